#if TSAN_LOCKS
    @testable import AgentHost

    typealias Mutex<Value> = SanitizedMutex<Value>
#endif
