/// One thing that a traveller says, once understood.
enum Statement: Sendable, Hashable {
    // What the trip is like.
    /// A city of the catalogue, or a place that is not in it.
    case place(String)
    case region(String)
    case season(Season)
    case interests([String])
    case party(Brief.Party)
    case budget(Brief.Budget)
    case amount(String)
    case pace(Brief.Pace)
    case start(Start)
    case length(Int)

    // Changes of a plan. Days count from 1; a missing day means the whole trip.
    case longer(by: Int)
    case cheaper
    case pricier
    case swap(Int, Int)
    case move(Int, to: Int)
    case replace(Int, with: String?)
    case free(Int)
    case remove(Int)
    case more(String, day: Int?)
    /// None at all.
    case less(String, day: Int?)
    /// Not as much as now.
    case fewer(String)

    // Talk.
    case goAhead
    case agree
    case greeting
    case thanks
    case askPlaces
    case askSeason
    case askFood
    case showPlan
    /// The message is about travelling, whatever it says.
    case travel
    /// One to three words that may be the name of a place, as an answer.
    case name(String)

    /// Whether it says or changes something about a trip.
    var isAboutTrip: Bool {
        switch self {
        case .agree, .greeting, .thanks, .askPlaces, .askSeason, .askFood, .showPlan, .travel, .name: false
        default: true
        }
    }
}
