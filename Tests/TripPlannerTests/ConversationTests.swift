import AgentPluginKit
import Testing

@testable import TripPlanner

private let full = "Plan a trip to Lisbon in spring for two adults. Mid-range budget, we like food and culture."

/// Conversations: what is asked, planned, changed and remembered.
struct ConversationTests {
    /// What is said, and the lines of which each must be in the last answer.
    @Test(arguments: conversations) func answers(_ said: [String], _ expected: [String]) {
        var talk = Talk()
        let reply = talk.say(said)
        for text in expected { #expect(reply.contains(text), "\(said) → \(reply)") }
    }

    @Test(arguments: lengths) func honoursTheLength(_ said: [String], _ length: Int) {
        var talk = Talk()
        #expect(Plan(talk.say(said)).days.count == length, "\(said)")
    }

    @Test func asksOnceForWhatIsMissing() {
        var talk = Talk()
        let question = talk.say("Plan a trip to Rome for my wife and me in October")
        #expect(question.contains("your budget and your interests?"))
        #expect(!question.contains("time of year") && !question.contains("who travels") && !question.contains("|"))
        let plan = talk.say("No idea really")
        #expect(Plan(plan).days.count == 3)
        #expect(plan.contains("in October, for a couple"))
        #expect(plan.contains("Assumed, as you did not say: 3 days, a mid-range budget and a bit of everything"))
    }

    @Test func asksNothingThatWasSaid() {
        var talk = Talk()
        #expect(Plan(talk.say(full)).days.count == 3)
        #expect(talk.calls.first?["preferences"]?["destination"] == "Lisbon")
        #expect(talk.calls.first?["preferences"]?["season"] == "spring")
        #expect(talk.calls.first?["preferences"]?["interests"] == ["culture", "food"])
    }

    @Test func swapsDaysAndKeepsThemSwapped() {
        var talk = Talk()
        let first = Plan(talk.say(full))
        let second = Plan(talk.say("Swap day 1 and 2"))
        #expect(second.days == [first.days[1], first.days[0], first.days[2]])
        let third = Plan(talk.say("Make it 5 days please"))
        #expect(Array(third.days.prefix(3)) == second.days)
        #expect(third.days.count == 5)
        #expect(Plan(talk.say("move day 5 to day 1")).days == [third.days[4]] + third.days.prefix(4))
    }

    @Test func replacesOneDay() {
        var talk = Talk()
        let first = Plan(talk.say(full))
        let coast = Plan(talk.say("Replace day 2 with a day at the beach"))
        #expect(coast.mornings[0] == first.mornings[0] && coast.mornings[2] == first.mornings[2])
        #expect(coast.mornings[1].contains("Caparica") || coast.mornings[1].contains("Cascais"))
        #expect(Plan(talk.say("swap day 2")).mornings[1] != coast.mornings[1])
        #expect(Plan(talk.say("make day 3 a rest day")).mornings[2].contains("free"))
        let own = talk.say("Replace day 1 with visiting cousin | Ana")
        #expect(Plan(own).days.allSatisfy { $0.count == 3 }, "words of the traveller do not break the table")
        #expect(own.contains("no details"))
    }

    @Test func refusesDaysThatAreNotThere() {
        var talk = Talk()
        let first = Plan(talk.say(full))
        let reply = talk.say("swap day 2 and 9")
        #expect(reply.contains("has 3 days"))
        #expect(Plan(reply).days == first.days)
    }

    @Test func avoidsWhatIsNotLiked() {
        var talk = Talk()
        _ = talk.say("Plan 14 days in Vienna in winter, solo, cheap, I love art. Go ahead")
        let reply = talk.say("No museums please")
        let plan = Plan(reply)
        #expect(plan.days.count == 14)
        for day in plan.days {
            #expect(!day[0].lowercased().contains("museum") && !day[1].lowercased().contains("museum"))
        }
    }

    @Test func cheaperTakesTheDearDaysOut() {
        var talk = Talk()
        let dear = talk.say("5 days in Reykjavik in July for a couple, luxury, we like wellness and nature")
        #expect(dear.contains("Blue or Sky Lagoon") && dear.contains("Reserve ahead"))
        let cheap = talk.say("Can you make it cheaper?")
        #expect(Plan(cheap).days.count == 5)
        #expect(!cheap.contains("Reserve ahead") && cheap.contains("on a small budget"))
    }

    @Test func anotherPlaceKeepsTheRest() {
        var talk = Talk()
        _ = talk.say([full, "make it 5 days"])
        let reply = talk.say("What about Kyoto instead?")
        #expect(reply.contains("**5 days in Kyoto, Japan**, in spring, for two adults"))
        #expect(!reply.contains("Lisbon"))
        #expect(Plan(reply).days.count == 5)
    }

    @Test func anUnknownPlaceIsNotInvented() {
        var talk = Talk()
        let first = Plan(talk.say(full))
        let reply = talk.say("What about Paris instead?")
        #expect(reply.contains("Paris is not in my catalogue") && reply.contains("Marrakesh"))
        #expect(reply.contains("Your plan for Lisbon stands"))
        #expect(Plan(talk.say("Then start on 3 May")).days == first.days)
    }

    @Test func theSuggestionCanBeAccepted() {
        var talk = Talk()
        let reply = talk.say("Plan a trip to atlantis in summer for two adults, cheap, we like hiking and nature")
        #expect(reply.contains("Atlantis is not in my catalogue") && !reply.contains("| 1 |"))
        #expect(reply.contains("Reykjavík"))
        #expect(talk.say("Yes please").contains("3 days in Reykjavík"))
    }

    @Test func countsTheDates() {
        var talk = Talk()
        #expect(Plan(talk.say([full, "start on 30 April"])).labels == ["1 (30 April)", "2 (1 May)", "3 (2 May)"])
        #expect(Plan(talk.say("start on Sunday")).labels == ["1 (Sunday)", "2 (Monday)", "3 (Tuesday)"])
    }

    /// More turns than the host sends: what was said in the first one is still known in the last.
    @Test func remembersWhatTheHistoryHasLost() {
        var talk = Talk()
        talk.limit = 6
        let first = Plan(talk.say(full + " 4 days."))
        let swapped = Plan(talk.say("swap day 1 and 4"))
        var reply = ""
        for round in 0..<12 { reply = talk.say(round % 2 == 0 ? "slower please" : "back to a normal pace") }
        #expect(Plan(reply).days == swapped.days && swapped.mornings[0] == first.mornings[3])
        #expect(reply.contains("4 days in Lisbon, Portugal**, in spring, for two adults, on a mid-range budget"))
    }

    @Test(arguments: Catalogue.entries.map(\.city)) func everyPlaceFillsTwoWeeks(_ city: String) {
        for wish in ["", " We want more food and a slow pace.", " With kids, cheap, we love nature."] {
            var talk = Talk()
            let plan = Plan(talk.say("14 days in \(city), go ahead.\(wish)"))
            #expect(plan.days.count == 14)
            #expect(Set(plan.mornings).count == 14 && Set(plan.afternoons).count == 14)
            #expect(Set(plan.evenings).count == 14)
            #expect(plan.evenings.allSatisfy { $0.hasPrefix("Food experience: ") })
        }
    }

    @Test func notesSurviveTheirText() throws {
        var talk = Talk()
        _ = talk.say([
            "9 days in Cape Town from 3 January, family with kids, 2000 euros, cheap, we like nature. No museums. Go ahead.",
            "day 2 free", "replace day 3 with Uncle Bob", "more food", "slower", "what now",
        ])
        let notes = try #require(talk.calls.last?["notes"])
        #expect(Trip(try JSON.parse(notes.text)).json == notes)
        #expect(notes["days"]?.array?.count == 9)
    }

    @Test func senselessNotesDoNoHarm() {
        let notes: [JSON] = [
            nil, [], "x", ["place": "Nowhere", "days": [1]],
            ["place": "Rome", "length": 99, "days": [["outing": 77, "meal": -4]]],
            ["season": "never", "month": 44, "start": ["month": 2, "day": 31], "pace": "warp"],
        ]
        for json in notes {
            var trip = Trip(json)
            trip.settle(.rome)
            #expect(trip.days.count == 3)
        }
    }

    @Test func hostileMessagesEndSoon() {
        let clock = ContinuousClock()
        let messages = [
            String(repeating: "swap day 1 and 2 ", count: 5000), String(repeating: "a", count: 200_000),
            String(repeating: "no museums on day 2. ", count: 5000), "9999999999999999999 weeks in Rome, go ahead",
            String(repeating: "\n", count: 100_000), "day -1 and day 0 swap", "\u{0}\u{FEFF}🏳️‍🌈", "make it 0 days",
            "0/0/0 2026-99-99",
        ]
        for message in messages {
            var talk = Talk()
            let time = clock.measure { _ = talk.say([full, message, message]) }
            #expect(time < .seconds(20), "\(message.prefix(20))")
        }
    }
}

private let conversations: [([String], [String])] = [
    (["hello"], ["Tell me where"]),
    (["Plan a trip"], ["where you would like to go, the time of year, who travels, your budget and your interests"]),
    (["go ahead"], ["3 days in Kyoto", "You named no place"]),
    (["Plan a trip", "go ahead"], ["3 days in Kyoto"]),
    (["Plan a trip", "Paris"], ["Paris is not in my catalogue", "**Africa**: Marrakesh, Cape Town"]),
    (
        ["Plan a trip", "Hanoi, in march, just me, low budget, street food"],
        ["Hanoi, Vietnam**, in March, for one traveller, on a small budget, with food"]
    ),
    (["Somewhere in Europe, we're 4, mid-range, summer, nature"], ["Reykjavík", "for 4 people"]),
    (["a week in Lissabon in autumn for a couple, luxury, art"], ["7 days in Lisbon", "in fall", "generous"]),
    (["Ciudad de México, 4 days, go ahead"], ["4 days in Mexico City"]),
    (["Wien im Winter, go ahead"], ["Vienna"]),
    (
        ["trip to kyotto in sprng with freinds, budget mid-range, culture, go ahead"],
        ["Kyoto", "in spring", "group of friends"]
    ),
    (["Cape Town in January, solo, cheap, beaches"], ["January (summer there)"]),
    (["Queenstown in winter for us two people, mid-range, hiking"], ["The best time is summer or fall; in winter"]),
    ([full, "day 2 at the beach please"], ["Day 2 is new: Cascais"]),
    ([full, "I'd rather have something with nature on the third day"], ["Day 3 is new: the Oceanarium"]),
    ([full, "less history please"], ["Less history: I replaced the palaces of Sintra"]),
    (
        ["3 days in Rome for 2 adults in May, mid-range, art", "we don't like churches"],
        ["I replaced the Vatican Museums"]
    ),
    ([full, "No, I meant Rome"], ["3 days in Rome"]),
    ([full, "add the Oceanarium"], ["I added the Oceanarium"]),
    ([full, "> 5 days in Kyoto for a family\n\nmore food please"], ["3 days in Lisbon", "two adults"]),
    ([full, "Make day 1 less packed"], ["I slowed the plan down"]),
    ([full, "I want to see the Oceanarium"], ["I added the Oceanarium"]),
    ([full, "thanks!"], ["welcome"]),
    ([full, "xyzzy"], ["I can change the plan"]),
    ([full, "when is the best time to go?"], ["spring or fall"]),
    ([full, "What should we eat there?"], ["pastel de nata"]),
    (["Which cities do you know?"], ["**Europe**: Lisbon, Reykjavík, Rome, Edinburgh, Vienna"]),
    ([full, "show me the plan again"], ["3 days in Lisbon"]),
    ([full, "more food"], ["second food experience", "Lunch: "]),
    ([full, "slower pace please"], ["every second afternoon in town", "Open: a rest"]),
    ([full, "faster"], ["then, if time allows"]),
    ([full, "we bring the kids"], ["for a family with children", "family rooms"]),
    ([full, "our budget is €1,500"], ["of €1,500", "I know no prices"]),
    ([full, "more beaches"], ["More beaches: I added"]),
    ([full, "more karaoke"], ["nothing in Lisbon about karaoke"]),
    ([full, "no Sintra"], ["I replaced the palaces of Sintra"]),
    ([full, "remove day 2"], ["Day 2 is gone", "2 days in Lisbon"]),
    ([full, "somewhere in Africa instead"], ["3 days in Marrakesh"]),
    ([full, "and in winter?"], ["in winter, check opening hours"]),
    ([full, "make it 20 days"], ["1 to 14 days", "14 days in Lisbon"]),
    ([full, "make it 5 days, swap day 1 and 5"], ["5 days in Lisbon", "Days 1 and 5 are swapped"]),
]

private let lengths: [([String], Int)] = [
    ([full], 3),
    ([full, "make it 5 days"], 5),
    ([full, "make it five"], 5),
    ([full, "one more day"], 4),
    ([full, "add two days"], 5),
    ([full, "a day less"], 2),
    ([full, "two days longer"], 5),
    ([full, "only a weekend"], 2),
    ([full, "two weeks"], 14),
    ([full, "30 days"], 14),
    ([full, "0 days"], 1),
    ([full, "drop the last day"], 2),
    ([full + " 4 nights."], 5),
    (["10-day itinerary for Rome, go ahead"], 10),
    (["Rome from 3 May to 7 May, go ahead"], 5),
    (["Rome 3-6 May, go ahead"], 4),
    (["Rome in two weeks for 4 days, go ahead"], 4),
]
