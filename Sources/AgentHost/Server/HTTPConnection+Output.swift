extension HTTPConnection {
    /// Whether bytes wait for the socket.
    var hasOutput: Bool { outputStart < output.count }

    /// Rounds of taking and sending in one iteration: other connections want their turn.
    private static let streamRounds = 8
    /// Bytes taken from a source at once.
    private static let streamPortion = 64 << 10

    /// Sends what the response has gathered, and what its source has, as much as the socket takes.
    func sendStream() {
        for _ in 0..<HTTPConnection.streamRounds {
            takeOutput()
            let mayBeMore = takeFromSource()
            sendOutput()
            guard phase == .exchange, mayBeMore, isWritable else { return }
        }
        schedule()
    }

    /// Takes from the source of a stream, unless too much waits for the client already. True when there may be more.
    private func takeFromSource() -> Bool {
        guard let exchange else { return false }
        if exchange.stream == nil, let source = exchange.response.takeSource() { begin(source, exchange) }
        guard let stream = exchange.stream, !stream.isOver else { return false }
        while stream.isReady && output.count - outputStart <= context.configuration.outputHighWater {
            loop.streamBuffer.removeAll(keepingCapacity: true)
            stream.isReady = false
            let progress = stream.source.read(into: &loop.streamBuffer, limit: HTTPConnection.streamPortion)
            appendToStream(exchange, stream)
            switch progress {
            case .more: stream.isReady = true
            case .waiting: break
            case .ended:
                exchange.response.finish()
                append(exchange.response.takeOutput())
                stream.end(complete: true)
                return false
            case .broken:
                depart()
                return false
            }
        }
        return stream.isReady
    }

    private func begin(_ source: any ResponseSource, _ exchange: Exchange) {
        let stream = ResponseStream(source, now: loop.now)
        exchange.stream = stream
        // A response without a body: there is nobody to hear the source.
        guard case .streaming = exchange.response.progress.phase else { return stream.end(complete: false) }
        source.begin(ready: { [weak self] in self?.requestTurn() })
    }

    /// Sends on what is in the loop's buffer.
    private func appendToStream(_ exchange: Exchange, _ stream: ResponseStream) {
        guard !loop.streamBuffer.isEmpty else { return }
        exchange.response.append(loop.streamBuffer)
        append(exchange.response.takeOutput())
        stream.lastBytes = loop.now
        // A rare peak is given back.
        if loop.streamBuffer.capacity > 1 << 20 { loop.streamBuffer = [] }
    }

    /// Sends a heartbeat when the stream was silent for long enough.
    func beatIfDue() {
        guard let exchange, let stream = exchange.stream, let due = stream.heartbeatDue, due <= loop.now, !hasOutput
        else {
            return
        }
        loop.streamBuffer.removeAll(keepingCapacity: true)
        stream.source.writeHeartbeat(into: &loop.streamBuffer)
        appendToStream(exchange, stream)
        sendOutput()
    }

    /// Sends what waits, as much as the socket takes.
    func sendOutput() {
        while hasOutput && isWritable {
            switch socket.send(output, from: outputStart) {
            case .count(let count):
                outputStart += count
                sendSince = loop.now
            case .end, .wouldBlock: isWritable = false
            case .failed: return depart()
            }
        }
        if !hasOutput && !output.isEmpty {
            output = []
            outputStart = 0
        }
    }

    private func takeOutput() {
        guard let exchange else { return }
        let taken = exchange.response.takeOutput()
        if exchange.owesContinue && taken.isEmpty && exchange.body.wasAsked {
            exchange.owesContinue = false
            exchange.bodyDeadline = max(exchange.bodyDeadline, loop.now + context.configuration.bodyDeadline)
            append(HTTPResponseHead.continue)
        }
        append(taken)
    }

    private func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if hasOutput {
            if outputStart > 0 {
                output.removeFirst(outputStart)
                outputStart = 0
            }
            output.append(contentsOf: bytes)
        } else {
            output = bytes
            outputStart = 0
            sendSince = loop.now
        }
    }

    /// Fields of every response, encoded.
    func ownFields(_ id: String) -> [UInt8] {
        var fields: [UInt8] = []
        fields.reserveCapacity(160)
        HTTPResponseHead.append("X-Request-ID: ", to: &fields)
        fields.append(contentsOf: id.utf8)
        HTTPResponseHead.append("\r\nDate: ", to: &fields)
        fields.append(contentsOf: loop.date)
        HTTPResponseHead.append("\r\n", to: &fields)
        return fields
    }

    /// Answers an error of its own accord, outside any exchange, and closes.
    func refuse(_ error: HTTPError, id: String = randomID("req")) {
        var state = ResponseState(version: .http11, omitsBody: false, ownFields: ownFields(id))
        let head = HTTPResponseHead(status: error.status, fields: HTTPError.fields)
        guard (try? state.send(head, error.body, keepAlive: false)) != nil else { return close() }
        context.log.info(
            "request refused",
            [
                "evt": "http_refused", "status": .int(Int64(error.status)), "code": .string(error.code),
                "request_id": .string(id),
            ])
        append(state.takeOutput())
        phase = .closing
        schedule()
    }

    /// The handler's Task has ended.
    func handlerReturned(_ response: ResponseWriter) {
        context.handlerReturned()
        guard let exchange, exchange.response === response else { return }
        exchange.handlerReturned = true
        // A stream may be open for long: a Task keeps its stack for as long as somebody holds it, and nobody reads the fields again.
        exchange.task = nil
        exchange.request.fields = HTTPFields()
        switch response.progress.phase {
        case .ended: schedule()
        case .notBegun: answerFor(exchange)
        case .streaming: schedule()
        }
    }

    private func answerFor(_ exchange: Exchange) {
        if let error = exchange.body.error, error.status == 0 { return depart() }
        let error = exchange.body.error ?? .unanswered
        if exchange.body.error == nil {
            context.log.error("a handler returned without a response", ["request_id": .string(exchange.request.id)])
        }
        exchange.response.send(error.status, HTTPError.fields, error.body)
        schedule()
    }

    /// Goes on to the next request, or to the end, once the response has left and the handler has returned.
    func endExchangeIfDone() {
        guard phase == .exchange, let exchange, exchange.handlerReturned, !hasOutput else { return }
        let progress = exchange.response.progress
        guard progress.phase == .ended else { return }
        self.exchange = nil
        halfClosedSince = nil
        since = loop.now
        report(exchange, departed: false)
        phase = progress.keepsAlive && !(context.isDraining && unparsed.isEmpty) ? .idle : .closing
        sendSince = loop.now
    }

    /// The last bytes have left: says so, and waits for the client to close.
    func finishClosing() {
        guard phase == .closing, !hasOutput else { return }
        if inputEnded { return close() }
        socket.shutdownWrite()
        unparsed = []
        phase = .lingering
        since = loop.now
    }
}

extension HTTPError {
    static let unanswered = HTTPError(500, "internal_error", "The server failed to answer this request.")
}
