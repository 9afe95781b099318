/// Who could change a plugin besides this user: nobody but root may.
enum Ownership {
    /// Refuses what belongs to somebody else, and what others may write to.
    ///
    /// - Parameter allowsSticky: for a folder that everybody may add to but in which nobody may touch what others own (`/tmp`): what
    ///   lies in it is judged by itself.
    static func check(
        _ facts: FileSystem.Facts, _ name: @autoclosure () -> String, allowsSticky: Bool = false
    ) throws(BundleError) {
        guard facts.owner == 0 || facts.owner == FileSystem.user else {
            throw BundleError(
                reason:
                    "\(name()) belongs to user \(facts.owner), who could change it at any time; it must belong to root or to "
                    + "the user of the host (\(FileSystem.user)): chown it")
        }
        let isSticky = allowsSticky && facts.mode & 0o1000 != 0
        guard facts.mode & 0o022 == 0 || isSticky else {
            throw BundleError(
                reason: "\(name()) can be written by others than its owner (mode \(octal(facts.mode))): chmod go-w it")
        }
    }

    /// The same for what is at a path, which must not be a symbolic link.
    static func check(path: String, _ name: String, allowsSticky: Bool = false) throws(BundleError) {
        let facts: FileSystem.Facts
        do { facts = try FileSystem.facts(of: path) } catch {
            throw BundleError(reason: "cannot look at \(name): \(error.sentence)")
        }
        try check(facts, name, allowsSticky: allowsSticky)
    }

    private static func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }
}
