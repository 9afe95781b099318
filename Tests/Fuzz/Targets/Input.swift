/// What libFuzzer hands over: bytes to try, and from their end a few that decide how they are cut into slices.
struct Input {
    /// What the code under test reads.
    let bytes: [UInt8]
    private let cuts: [UInt8]

    /// All of it is content.
    init(_ data: UnsafePointer<UInt8>, _ size: Int) {
        bytes = Array(UnsafeBufferPointer(start: data, count: size))
        cuts = []
    }

    /// The last bytes, up to four, are kept back for `slices`.
    init(slicing data: UnsafePointer<UInt8>, _ size: Int) {
        let all = Array(UnsafeBufferPointer(start: data, count: size))
        bytes = Array(all.dropLast(4))
        cuts = Array(all.suffix(4))
    }

    /// `bytes`, cut at places that the input itself chose.
    var slices: [[UInt8]] {
        var slices: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let size = cuts.isEmpty ? 1 : Int(cuts[slices.count % cuts.count]) % 61 + 1
            slices.append(Array(bytes[start..<min(bytes.count, start + size)]))
            start += size
        }
        return slices
    }

    /// `bytes`, each alone.
    var singles: [[UInt8]] { bytes.map { [$0] } }
}

/// Ends the program, which libFuzzer reports with the input that led here.
func require(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { fatalError(what()) }
}
