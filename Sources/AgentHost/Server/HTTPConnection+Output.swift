extension HTTPConnection {
    /// Whether bytes wait for the socket.
    var hasOutput: Bool { outputStart < output.count }

    /// Sends what the response has gathered, as much as the socket takes.
    func sendOutput() {
        takeOutput()
        while hasOutput && isWritable {
            switch socket.send(output, from: outputStart) {
            case .count(let count):
                outputStart += count
                sendSince = loop.now
                exchange?.response.sent(count)
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
            // Not the writer's bytes: balances what `sendOutput` will report.
            exchange.response.sent(-HTTPResponseHead.continue.count)
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
        var state = ResponseState(version: .http11, omitsBody: false, ownFields: ownFields(id), highWater: .max)
        let head = HTTPResponseHead(status: error.status, fields: HTTPError.fields)
        guard (try? state.send(head, error.body, keepAlive: false)) != nil else { return close() }
        context.log.debug("request refused", ["code": .string(error.code), "request_id": .string(id)])
        append(state.takeOutput())
        phase = .closing
        schedule()
    }

    /// The handler's Task has ended.
    func handlerReturned(_ response: ResponseWriter) {
        context.handlerReturned()
        guard let exchange, exchange.response === response else { return }
        exchange.handlerReturned = true
        switch response.progress.phase {
        case .ended: schedule()
        case .notBegun: answerFor(exchange)
        case .streaming:
            // Send what there is, but no end: the client must see that something is missing.
            sendOutput()
            depart()
        }
    }

    private func answerFor(_ exchange: Exchange) {
        if let error = exchange.body.error, error.status == 0 { return depart() }
        let error = exchange.body.error ?? .unanswered
        if exchange.body.error == nil {
            context.log.error("a handler returned without a response", ["request_id": .string(exchange.request.id)])
        }
        exchange.response.sendNow(error.status, HTTPError.fields, error.body)
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
