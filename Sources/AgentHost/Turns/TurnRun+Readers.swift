internal import Synchronization

// The readers of a turn: they come and go, take what they have not seen, and hold the agent back by what they have not taken.

extension TurnRun {
    /// Whether others may read it, too: what comes first in it is stored.
    var isOpen: Bool { state.withLock { $0.readers.wereAttached } }

    /// Attaches the reader that the turn begins with; returns its number.
    ///
    /// - Parameter resumes: whether its client may come back: the turn then outlives its readers, and what they took is kept.
    func attachFirst(resumes: Bool) -> Int {
        let number = state.withLock { state in
            if resumes { state.turn.transcript.log.window = state.turn.configuration.resumeWindow }
            return state.readers.add(at: .init(), resumes: resumes)
        }
        if resumes { watch(number) }
        return number
    }

    /// Attaches a reader that has seen so many events on the wire; returns its number, or nil when what comes next is not kept.
    func attach(after seen: Int) -> Int? {
        let number = state.withLock { state -> Int? in
            guard let position = state.turn.transcript.log.position(onWire: seen) else { return nil }
            if !state.isResumable && !state.turn.isOver {
                state.turn.transcript.log.window = state.turn.configuration.resumeWindow
            }
            return state.readers.add(at: position, resumes: true)
        }
        if let number { watch(number) }
        return number
    }

    /// See `ChatEventSource`.
    func onReady(_ number: Int, _ ready: @escaping @Sendable () -> Void) {
        state.withLock { state in
            if let index = state.readers.index(of: number) { state.readers[index].ready = ready }
        }
    }

    /// The events the reader has not seen; what an agent spent on those that all have taken is given back.
    func take(_ number: Int, limit: Int) -> Taken {
        let (taken, credit, agent) = state.withLock { state -> (Taken, Int, (any AgentTurn)?) in
            guard let index = state.readers.index(of: number) else {
                return (state.readers.wasDropped(number) ? .dropped : .end, 0, nil)
            }
            let position = state.readers[index].position
            guard state.turn.transcript.log.visible > position.number else {
                if state.turn.transcript.log.isFullyVisible { return (.end, 0, nil) }
                state.readers[index].isWaiting = true
                return (.nothing, 0, nil)
            }
            var events = state.turn.transcript.log.read(from: position.number, limit: limit)
            if position.pieces > 0 { events[0] = events[0].droppingFirst(position.pieces) }
            state.readers[index].position = .init(number: position.number + events.count)
            let slowest = state.readers.slowest ?? position.number
            let credit = state.turn.transcript.log.trim(below: slowest)
            if state.agent == nil { state.owedCredit += credit }
            return (.events(events), credit, state.agent)
        }
        if credit > 0 { agent?.consumed(credit) }
        return taken
    }

    /// The reader leaves. Unless its client may come back, the turn is cancelled: it reads its turn alone, or others have come to
    /// look on, who see how what was shown is completed.
    func leave(_ number: Int) {
        let left = state.withLock { state -> (reader: TurnReaders.Reader, isLast: Bool)? in
            guard let reader = state.readers.remove(number) else { return nil }
            if state.isResumable { state.letGo() }
            return (reader, state.readers.isEmpty)
        }
        guard let left else { return }
        if left.reader.isWaiting { left.reader.ready?() }
        if left.reader.isResuming { performQueued() } else { cancel(left.isLast ? .readerLeft : .stopped) }
    }

    // MARK: Slow readers

    /// Looks again and again whether a reader takes what there is; drops one that does not while the turn runs.
    private func watch(_ number: Int) {
        let (visible, patience) = state.withLock {
            ($0.turn.transcript.log.visible, $0.turn.configuration.readerPatience)
        }
        DeadlineTimer.shared.schedule(at: monotonicMilliseconds() + patience) { [weak self] in
            self?.check(number, took: visible)
        }
    }

    private func check(_ number: Int, took visible: Int) {
        let goesOn = state.withLock { state -> Bool in
            guard !state.turn.isOver, let index = state.readers.index(of: number) else { return false }
            guard state.readers[index].position.number < visible else { return true }
            state.readers.drop(number)
            state.letGo()
            return false
        }
        if goesOn { watch(number) } else { performQueued() }
    }
}

extension TurnRun.State {
    /// Whether clients may come back to the turn.
    var isResumable: Bool { turn.transcript.log.window > 0 }

    /// Bytes an agent may be ahead are exceeded.
    var isFarAhead: Bool { turn.transcript.log.bytesAhead > turn.configuration.maximumBytesAhead }

    /// Gives back what the agent spent on events that nobody who is there has still to take.
    mutating func letGo() {
        let slowest = readers.slowest ?? turn.transcript.log.visible
        let credit = turn.transcript.log.trim(below: slowest)
        if credit > 0 { actions.append(.credit(credit)) }
    }

    /// Drops those readers that the turn need not wait for until the others are not too far behind.
    mutating func dropSlowReaders() {
        while isFarAhead, let slowest = readers.slowestIfResuming {
            readers.drop(slowest)
            letGo()
        }
    }

    /// The turn has ended: no more of it stays than is kept for those who come back. Returns the bytes; 0 when nothing is kept.
    mutating func keepForLater() -> Int {
        guard isResumable else { return 0 }
        letGo()
        let slowest = readers.slowest ?? turn.transcript.log.visible
        turn.transcript.log.narrow(to: turn.configuration.keptBytes, below: slowest)
        turn.forgetWork()
        // Beyond that is what readers have still to take.
        return min(turn.transcript.log.retainedBytes, turn.configuration.keptBytes)
    }
}
