import Glibc
import Synchronization
import Testing

@testable import AgentHost

struct RequestBodyTests {
    @Test func continueIsSentWhenTheBodyIsRead() async throws {
        try await onThread {
            let server = try TestServer { request, body, response in
                if request.path == "/refused" { return response.send(403, [:], []) }
                await echo(request, body, response)
            }
            let client = server.connect()
            let head = "HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n"
            client.send("POST /a \(head)")
            #expect(client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("abc")
            #expect(client.readResponse().body == "POST /a abc")
            // One who sends without waiting is not told to go on.
            #expect(client.exchange("POST /a \(head)abc").body == "POST /a abc")
            client.send("POST /refused \(head)")
            let refused = client.readAll()
            #expect(refused.hasPrefix("HTTP/1.1 403 ") && refused.contains("Connection: close\r\n"))
            server.stop()
        }
    }

    @Test(arguments: [true, false])
    func bodiesAreTakenUpToTheLimit(chunked: Bool) async throws {
        try await onThread {
            let limit = 100_000
            let server = try TestServer { _, body, response in
                do throws(HTTPError) {
                    let bytes = try await body.collect(upTo: limit)
                    response.send(200, [:], Array("\(bytes.count)".utf8))
                } catch {
                    response.send(error)
                }
            }
            func post(_ count: Int) -> (status: Int, head: String, body: String) {
                let bytes = [UInt8](repeating: 120, count: count)
                var message = Array("POST / HTTP/1.1\r\nHost: h\r\n".utf8)
                if chunked {
                    message += Array("Transfer-Encoding: chunked\r\n\r\n".utf8)
                    HTTPChunks.append(bytes, to: &message)
                    HTTPChunks.appendEnd(to: &message)
                } else {
                    message += Array("Content-Length: \(count)\r\n\r\n".utf8) + bytes
                }
                let client = server.connect()
                client.send(message)
                return client.readResponse()
            }
            #expect(post(limit).body == "\(limit)")
            #expect(post(limit + 1).status == 413)
            // The answer reaches a client that sends everything before it reads.
            let large = post(12 << 20)
            #expect(large.status == 413 && large.body.contains("body_too_large"))
            server.stop()
        }
    }

    @Test func largestBodyIsRefusedFromTheHead() async throws {
        try await onThread {
            let asked = Atomic(0)
            let server = try TestServer({ $0.maximumBody = 10 }) { request, body, response in
                asked.add(1, ordering: .relaxed)
                await echo(request, body, response)
            }
            func status(_ request: String) -> Int {
                server.connect().exchange("POST / HTTP/1.1\r\nHost: h\r\n\(request)").status
            }
            #expect(status("Content-Length: 11\r\nExpect: 100-continue\r\n\r\n") == 413)
            #expect(asked.load(ordering: .relaxed) == 0)
            #expect(status("Content-Length: 10\r\n\r\n0123456789") == 200)
            #expect(status("Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n") == 200)
            #expect(status("Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n") == 413)
            server.stop()
        }
    }

    @Test func serverReadsNoFurtherThanTheHandler() async throws {
        try await onThread {
            let go = BlockingQueue<CheckedContinuation<Void, Never>>()
            let total = 8 << 20
            let server = try TestServer { _, body, response in
                await withCheckedContinuation { _ = go.push($0) }
                let bytes = try? await body.collect(upTo: total)
                response.send(200, [:], Array("\(bytes?.count ?? 0)".utf8))
            }
            let client = server.connect()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(total)\r\n\r\n")
            var limit = timeval(tv_sec: 0, tv_usec: 200_000)
            setsockopt(client.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            // The kernel's buffers fill, then nothing more is taken.
            var sent = 0
            while sent < total && client.send([UInt8](repeating: 120, count: 4_096)) { sent += 4_096 }
            #expect(sent < total)
            limit.tv_sec = 10
            setsockopt(client.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            go.takeAll().forEach { $0.resume() }
            client.send([UInt8](repeating: 120, count: total - sent))
            #expect(client.readResponse().body == "\(total)")
            server.stop()
        }
    }

    @Test func cancelledReaderIsReleased() async throws {
        try await onThread {
            let server = try TestServer { _, body, response in
                let error = await withTaskGroup(of: HTTPError?.self) { group in
                    group.addTask {
                        do throws(HTTPError) { _ = try await body.next() } catch { return error }
                        return nil
                    }
                    await Task.yield()
                    group.cancelAll()
                    return await group.next() ?? nil
                }
                response.send(error == .cancelled ? 200 : 500, [:], [])
            }
            let client = server.connect()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n")
            #expect(client.readResponse().status == 200)
            server.stop()
        }
    }

    @Test func bufferStopsAtItsHighWater() {
        var buffer = BodyBuffer(isComplete: false)
        _ = buffer.append([UInt8](repeating: 0, count: BodyBuffer.highWater - 1)[...])
        #expect(buffer.wantsMore)
        _ = buffer.append([0])
        #expect(!buffer.wantsMore)
        _ = buffer.take()
        #expect(buffer.wantsMore)
        _ = buffer.complete()
        #expect(!buffer.wantsMore)
        guard case .end = buffer.take() else { return #expect(Bool(false), "the body's end") }
    }
}
