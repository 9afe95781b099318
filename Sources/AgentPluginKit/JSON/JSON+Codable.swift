extension JSON: Decodable {
    /// Takes over any value. From this kit's decoder it comes as it is; others hand it over piece by piece.
    public init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: AnyKey.self) {
            var members = JSONObject()
            for key in object.allKeys { members[key.stringValue] = try object.decode(JSON.self, forKey: key) }
            self = .object(members)
        } else if var array = try? decoder.unkeyedContainer() {
            var elements: [JSON] = []
            while !array.isAtEnd { elements.append(try array.decode(JSON.self)) }
            self = .array(elements)
        } else {
            let single = try decoder.singleValueContainer()
            self =
                if single.decodeNil() {
                    .null
                } else if let value = try? single.decode(Bool.self) {
                    .bool(value)
                } else if let value = try? single.decode(Int.self) {
                    .int(value)
                } else if let value = try? single.decode(Double.self) {
                    .double(value)
                } else {
                    .string(try single.decode(String.self))
                }
        }
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
