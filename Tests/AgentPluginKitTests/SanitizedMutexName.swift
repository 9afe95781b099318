#if TSAN_LOCKS
    @testable import AgentPluginKit

    typealias Mutex<Value> = SanitizedMutex<Value>
#endif
