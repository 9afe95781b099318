extension Destination {
    static let queenstown = Destination(
        city: "Queenstown", country: "New Zealand", region: "Oceania",
        summary: "A lake under sharp peaks where every walk ends with a view.", days: 4...6,
        seasons: ["summer", "fall"], themes: ["adventure", "nature"],
        outings: [
            Outing(
                "Milford Sound by coach, a full day", "the cruise below the falls, and the long road back", ["nature"],
                .high),
            Outing("the drive to Glenorchy", "the lagoon walk at the head of the lake", ["nature"], .free),
            Outing("wine in Arrowtown", "its goldfield lanes and the Chinese settlement", ["food", "history"]),
            Outing("Ben Lomond", "an easy way down by gondola", ["adventure", "nature"]),
            Outing(
                "the Skyline gondola and the luge", "the lakefront and the Queenstown Gardens", ["adventure", "family"]),
            Outing("a jet boat on the Shotover", "a slow afternoon on the beach in town", ["adventure"], .high),
            Outing("the steamship Earnslaw to Walter Peak", "the farm and the sail back", ["history", "family"]),
            Outing("the Queenstown Hill walk", "coffee and shops in the lanes", ["nature"], .free),
            Outing("the Kawarau bridge, home of the bungy", "the cellar doors of Gibbston", ["adventure", "food"]),
            Outing("Wānaka over the Crown Range", "the lake shore and its lone willow", ["nature"]),
            Outing("Lake Hayes on foot", "a farm shop on the way back", ["nature"], .free),
            Outing("the Moke Lake loop", "a picnic by the water", ["nature"], .free),
            Outing(
                "the Routeburn's first stretch from Glenorchy", "back down the same valley before dusk",
                ["adventure", "nature"]),
            Outing("the Onsen pools above the Shotover", "a quiet afternoon", ["wellness"], .high),
        ],
        cuisine: ["pinot noir", "burgers", "lamb"],
        meals: [
            "lamb from Otago farms", "burgers by the lake", "a pinot noir tasting with a platter", "blue cod and chips",
            "green-lipped mussels", "a bakery pie", "venison at a small restaurant",
            "hokey-pokey ice cream after a pub supper",
        ],
        tips: ["Seasons are those of the south.", "Weather changes fast: keep a spare day."],
        climate: .cold, isSouthern: true)

    static let melbourne = Destination(
        city: "Melbourne", country: "Australia", region: "Oceania",
        summary: "Laneways, galleries and trams, with penguins and a great coast road in reach.", days: 3...6,
        seasons: ["fall", "spring"], themes: ["art", "food", "culture", "coast"],
        outings: [
            Outing(
                "the laneways around Hosier Lane", "the State Library and its domed reading room", ["art", "culture"],
                .free),
            Outing("the Queen Victoria Market", "the free tram round the centre", ["food"], .free),
            Outing("the National Gallery of Victoria", "the Southbank promenade", ["art"], .free),
            Outing("the Royal Botanic Gardens", "the Shrine of Remembrance", ["nature", "history"], .free),
            Outing(
                "the Great Ocean Road by coach, a full day", "the Twelve Apostles, and the inland road back",
                ["coast", "nature"], .high),
            Outing("St Kilda by tram", "the beach and the cake shops of Acland Street", ["coast", "food"], .free),
            Outing("Fitzroy and Collingwood", "bookshops, galleries and coffee on foot", ["art", "culture"], .free),
            Outing("the Melbourne Museum", "Carlton and its Italian street", ["history", "family"]),
            Outing("the Yarra Valley by car, an hour", "a cellar door and Healesville Sanctuary", ["food", "nature"]),
            Outing(
                "Phillip Island, about two hours by coach", "the penguins come ashore at dusk", ["nature", "family"],
                .high),
            Outing("the painted bathing boxes of Brighton by train", "the bay path back", ["coast"], .free),
            Outing(
                "ACMI, the museum of the moving image", "Federation Square and Birrarung Marr", ["art", "family"], .free
            ),
            Outing(
                "the Dandenong Ranges and Puffing Billy", "the mountain ash of Sherbrooke Forest", ["nature", "family"]),
            Outing("Heide, house and garden of modern art", "a walk by the Yarra", ["art", "nature"]),
        ],
        cuisine: ["flat whites", "dumplings", "modern Australian"],
        meals: [
            "dumplings in Chinatown", "a long breakfast with flat whites, and a light supper",
            "modern Australian small plates",
            "souvlaki in a Greek tavern", "phở in Richmond", "pasta in Carlton", "oysters and chips by the bay",
            "a hot jam doughnut from the market van, then a laneway bar",
        ],
        tips: [
            "Seasons are those of the south.", "Four seasons in a day: carry a layer.", "Trams in the centre are free.",
        ],
        isSouthern: true)
}
