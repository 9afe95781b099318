extension HTTPConnection {
    /// Whether bytes from the client are of use now.
    private var wantsInput: Bool {
        switch phase {
        case .idle, .head: true
        case .exchange: exchange?.body.wantsMore ?? false
        case .lingering: discarded < context.configuration.lingerBytes
        case .closing, .closed: false
        }
    }

    /// Reads and handles what the client sent, as long as it is of use and there is some.
    func readInput() {
        resumeClock()
        // A bound for the sake of the loop's other connections; the rest is read in the next iteration.
        for _ in 0..<16 {
            guard wantsInput else { return pauseClock() }
            if !unparsed.isEmpty && phase != .lingering {
                parseKept()
            } else if isReadable {
                phase == .lingering ? discard() : receive()
            } else {
                return
            }
        }
        schedule()
    }

    private func receive() {
        switch socket.receive(into: &loop.readBuffer) {
        case .count(let count):
            // A short read means that the kernel has no more; what comes later raises a new edge.
            if count < loop.readBuffer.count && !peerShut { isReadable = false }
            parse(loop.readBuffer, count)
        case .end: endInput()
        case .wouldBlock: isReadable = false
        case .failed: depart()
        }
    }

    private func discard() {
        switch socket.discard(1 << 20) {
        case .count(let count): discarded += count
        case .end: close()
        case .wouldBlock: isReadable = false
        case .failed: close()
        }
    }

    /// The client sends no more.
    private func endInput() {
        isReadable = false
        inputEnded = true
        peerShut = true
        switch phase {
        case .idle, .head, .closing, .lingering, .closed: close()
        // The body's end will not come any more, so nobody can be waiting for the answer.
        case .exchange: depart()
        }
    }

    private func parseKept() {
        var kept: [UInt8] = []
        swap(&kept, &unparsed)
        parse(kept, kept.count)
    }

    private func parse(_ bytes: [UInt8], _ count: Int) {
        var position = 0
        while position < count || phase == .exchange {
            guard let event = parser.next(bytes.span.extracting(0..<count), &position) else { break }
            switch event {
            case .head(let request):
                guard begin(request) else { return }
            case .body(let range):
                guard addBody(bytes[range]) else { return }
            case .end:
                exchange?.body.complete()
                unparsed = Array(bytes[position..<count])
                return
            case .failure(let error):
                return fail(error)
            }
        }
        if phase == .idle && !parser.isIdle {
            phase = .head
            since = loop.now
        }
    }

    /// Begins to answer. False when the request is refused from its head.
    private func begin(_ head: HTTPRequest) -> Bool {
        var request = head
        request.id = head.clientID ?? randomID("req")
        let configuration = context.configuration
        var deadline = loop.now + configuration.bodyDeadline
        if case .length(let length) = request.framing {
            guard length <= configuration.maximumBody else {
                refuse(.bodyTooLarge(configuration.maximumBody), id: request.id)
                return false
            }
            deadline += Int64(length) * 1_000 / max(configuration.bodyRate, 1)
        }
        phase = .exchange
        start(request, bodyDeadline: deadline)
        return true
    }

    private func start(_ request: HTTPRequest, bodyDeadline: Int64) {
        // Weak, or an exchange would keep its connection for as long as a handler keeps a writer.
        let body = RequestBody(framing: request.framing) { [weak self] in self?.requestTurn() }
        let state = ResponseState(
            version: request.version, omitsBody: request.method == "HEAD", ownFields: ownFields(request.id))
        let context = context
        let keepsAlive = request.keepsAlive
        let response = ResponseWriter(
            state, canKeepAlive: { keepsAlive && !context.isDraining && body.isComplete },
            changed: { [weak self] in self?.requestTurn() })
        let exchange = Exchange(request, body, response, bodyDeadline: bodyDeadline)
        self.exchange = exchange
        context.handlerStarted()
        exchange.task = Task(executorPreference: loop) { [loop] in
            await context.handler.handle(request, body, response)
            if loop.isCurrent { self.handlerReturned(response) } else { loop.run { self.handlerReturned(response) } }
        }
    }

    private func addBody(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let exchange else { return false }
        // A client that does not wait for permission needs none.
        exchange.owesContinue = false
        exchange.body.append(bytes)
        if case .chunked = exchange.request.framing {
            guard exchange.body.received <= context.configuration.maximumBody else {
                exchange.body.fail(.bodyTooLarge(context.configuration.maximumBody))
                return false
            }
            exchange.bodyDeadline += Int64(bytes.count) * 1_000 / max(context.configuration.bodyRate, 1)
        }
        return true
    }

    /// The client's bytes make no sense from here on.
    private func fail(_ error: HTTPError) {
        guard let exchange else { return refuse(error) }
        exchange.body.fail(error)
        schedule()
    }

    /// The body's deadline stands still while the handler does not read.
    private func pauseClock() {
        guard let exchange, exchange.pausedSince == nil, !exchange.body.isComplete else { return }
        exchange.pausedSince = loop.now
    }

    private func resumeClock() {
        guard let exchange, let since = exchange.pausedSince, exchange.body.wantsMore else { return }
        exchange.pausedSince = nil
        exchange.bodyDeadline += loop.now - since
    }
}
