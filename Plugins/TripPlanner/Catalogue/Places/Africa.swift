extension Destination {
    static let marrakesh = Destination(
        city: "Marrakesh", country: "Morocco", region: "Africa",
        summary: "A red walled city of souks, courtyards and gardens below the Atlas.", days: 3...5,
        seasons: ["spring", "fall"], themes: ["culture", "history", "food"],
        outings: [
            Outing("the Bahia Palace", "the lanes of the Mellah and its spice market", ["history", "culture"]),
            Outing("the souks north of Jemaa el-Fna", "mint tea on a terrace above the square", ["culture"], .free),
            Outing("the Jardin Majorelle", "the Yves Saint Laurent Museum beside it", ["art", "nature"]),
            Outing("the Saadian Tombs", "the ruins of El Badi Palace and their storks", ["history"]),
            Outing("the Ben Youssef Madrasa", "the House of Photography nearby", ["history", "art"]),
            Outing("a hammam in the morning quiet", "a slow afternoon in a riad's courtyard", ["wellness"]),
            Outing(
                "the Ourika valley by car, about an hour", "a walk to the falls with a guide", ["nature", "adventure"]),
            Outing("the Koutoubia and its gardens", "a calèche or a walk along the ramparts", ["history"], .free),
            Outing("a cooking class that starts in the market", "a rest, then the Secret Garden", ["food"]),
            Outing(
                "Essaouira by coach, about three hours", "the harbour and sea walls before the way back",
                ["coast", "history"]),
            Outing("Imlil in the High Atlas by car", "a village walk below Toubkal", ["nature", "adventure"], .high),
            Outing("the Menara gardens and their basin", "the galleries of Guéliz", ["nature", "art"], .free),
            Outing(
                "the stone desert of Agafay by car", "a camel or a walk, and sunset in a camp",
                ["adventure", "nature"], .high),
            Outing(
                "the tanneries and Bab Debbagh with a guide", "the Dar Si Said museum of crafts", ["culture", "art"]),
        ],
        cuisine: ["tagine", "couscous", "mint tea"],
        meals: [
            "a slow tagine in a riad", "the food stalls of Jemaa el-Fna", "couscous, by custom the Friday dish",
            "tanjia, baked in the ashes of a hammam", "pastilla with almonds", "harira soup with dates",
            "grilled skewers and olives at a market", "mint tea with honeyed pastries after a light supper",
        ],
        tips: ["Agree on a taxi's price before you get in.", "Carry coins and dress modestly in the medina."],
        climate: .dry)

    static let capeTown = Destination(
        city: "Cape Town", country: "South Africa", region: "Africa",
        summary: "A city between a flat mountain and two cold currents, with vineyards an hour away.", days: 4...7,
        seasons: ["spring", "summer"], themes: ["nature", "coast", "adventure", "food"],
        outings: [
            Outing(
                "Table Mountain by cable car", "the Company's Garden and the old town", ["nature", "adventure"], .high),
            Outing(
                "the drive to the Cape of Good Hope", "the penguins of Boulders Beach on the way back",
                ["nature", "coast"]),
            Outing("the ferry to Robben Island", "the V&A Waterfront", ["history"]),
            Outing("Kirstenbosch garden and its canopy walk", "a rest on the lawns below the mountain", ["nature"]),
            Outing("the houses of Bo-Kaap", "the District Six Museum", ["culture", "history"]),
            Outing("Stellenbosch, under an hour by car", "a tasting and a walk among vines", ["food", "nature"]),
            Outing("Lion's Head at first light", "Camps Bay beach", ["adventure", "coast"], .free),
            Outing("the Zeitz MOCAA in its grain silo", "the studios of Woodstock", ["art"]),
            Outing("Chapman's Peak Drive", "the harbour of Hout Bay", ["coast", "nature"]),
            Outing("Muizenberg and a surf lesson", "the tidal pools to St James on foot", ["coast", "adventure"]),
            Outing("Franschhoek and its wine tram", "a late lunch in the valley", ["food"], .high),
            Outing("the Sea Point promenade", "Green Point Park", ["coast", "wellness"], .free),
            Outing("Hermanus by car, under two hours", "the cliff path, with whales in spring", ["nature", "coast"]),
            Outing("a township tour led by people who live there", "a craft market", ["culture", "history"]),
        ],
        cuisine: ["braai", "Cape Malay curry", "line fish"],
        meals: [
            "a Cape Malay curry in Bo-Kaap", "line fish at a harbour", "a braai with salads and relish",
            "bobotie with yellow rice", "small plates and a glass of chenin blanc", "a gatsby sandwich to share",
            "a market supper of many stalls", "biltong and farm cheese as a picnic",
        ],
        tips: ["Seasons are those of the south.", "The wind closes the cable car: keep the first clear day for it."],
        isSouthern: true)
}
