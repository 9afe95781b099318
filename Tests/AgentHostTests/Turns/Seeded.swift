extension SeededGenerator {
    init(_ seed: UInt64) { self.init(state: seed) }

    /// From 0 to `bound` - 1.
    mutating func number(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    /// True in so many of a hundred cases.
    mutating func chance(_ percent: Int) -> Bool { number(100) < percent }
    mutating func one<Element>(of elements: [Element]) -> Element { elements[number(elements.count)] }
}
