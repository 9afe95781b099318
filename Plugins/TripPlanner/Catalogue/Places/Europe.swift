extension Destination {
    static let lisbon = Destination(
        city: "Lisbon", country: "Portugal", region: "Europe",
        summary: "Bright hills over the Tejo, tiled houses, and the sea around the corner.", days: 3...5,
        seasons: ["spring", "fall"], themes: ["culture", "food", "nightlife", "coast"],
        outings: [
            Outing("Tram 28 and Alfama", "the castle hill, then down to the river on foot", ["culture", "history"]),
            Outing(
                "the palaces of Sintra by train, 40 minutes", "Quinta da Regaleira before the way back",
                ["culture", "history"]),
            Outing("Belém, its tower and its monastery", "the MAAT and the riverside", ["history", "art"]),
            Outing("the Senhora do Monte viewpoint", "Graça and Mouraria downhill", ["culture"], .free),
            Outing("the Tile Museum", "the azulejo shops of the Chiado", ["art", "history"]),
            Outing("Cascais by train along the coast", "the beach, and the cliffs of Boca do Inferno", ["coast"]),
            Outing("the Gulbenkian Museum", "its garden, then Avenida da Liberdade", ["art"]),
            Outing("the Oceanarium", "the riverside of Parque das Nações", ["nature", "family"]),
            Outing("the LX Factory", "Alcântara's docks below the red bridge", ["art", "nightlife"], .free),
            Outing("the ferry to Cacilhas", "Cristo Rei and its view by bus", ["coast", "culture"]),
            Outing("the beaches of Costa da Caparica by bus", "a walk along the sand", ["coast"], .free),
            Outing("Évora by train, 90 minutes", "its Roman temple and white lanes", ["history"]),
            Outing("the Carmo ruins", "the Baixa and Praça do Comércio", ["history"]),
            Outing("Setúbal and the hills of Arrábida", "a cove with clear water", ["nature", "coast"]),
        ],
        cuisine: ["seafood", "petiscos", "pastel de nata"],
        meals: [
            "petiscos to share", "seafood by the river", "a warm pastel de nata, then supper with fado",
            "grilled sardines or the fish of the day", "bacalhau in one of its many forms", "a bifana at a counter",
            "a food hall at the Cais do Sodré", "cataplana for two",
        ],
        tips: ["Wear shoes that grip on cobbles.", "Take an early train to Sintra."])

    static let reykjavik = Destination(
        city: "Reykjavík", country: "Iceland", region: "Europe",
        summary: "A small capital between hot springs, waterfalls and long summer light.", days: 4...7,
        seasons: ["summer"], themes: ["nature", "adventure", "wellness"],
        outings: [
            Outing("the Golden Circle by coach, a full day", "Geysir and Gullfoss, and the road back", ["nature"]),
            Outing("the Blue or Sky Lagoon", "a quiet afternoon in town", ["wellness"], .high),
            Outing(
                "whale watching from the old harbour", "the Maritime Museum and Grandi", ["nature", "adventure"], .high),
            Outing(
                "the South Coast falls, a full day", "the black beach of Reynisfjara from a safe distance", ["nature"]),
            Outing("Hallgrímskirkja and its tower", "Laugavegur and the Harpa hall on foot", ["culture"], .free),
            Outing(
                "the hot river of Reykjadalur", "a walk back and a warm soup in Hveragerði", ["nature", "adventure"],
                .free),
            Outing("the National Museum", "the pond Tjörnin and the City Hall", ["history", "culture"]),
            Outing("the peninsula Snæfellsnes, a full day", "Kirkjufell and small fishing ports", ["nature"], .high),
            Outing("a public pool with hot tubs", "the sea path to the Sun Voyager", ["wellness"]),
            Outing("the ferry to Viðey island", "its paths and sculptures", ["nature", "art"]),
            Outing("the lava and bridges of Reykjanes", "steam at Gunnuhver", ["nature", "adventure"]),
            Outing("Perlan and its ice cave", "the woods of Öskjuhlíð", ["nature", "family"]),
            Outing("the Árbær open-air museum", "the Elliðaár valley on foot", ["history", "family"]),
            Outing("Mount Esja's lower path by bus", "a rest in Mosfellsbær", ["adventure", "nature"], .free),
        ],
        cuisine: ["lamb", "seafood", "skyr"],
        meals: [
            "lamb soup", "seafood at the old harbour", "skyr with berries after a fish supper",
            "a hot dog with everything",
            "arctic char, simply fried", "rye bread baked in hot earth, with butter and trout", "lobster soup",
            "plokkfiskur, the fish stew of home kitchens",
        ],
        tips: ["Book lagoons ahead.", "Pack layers and something waterproof in every season."],
        climate: .cold)

    static let rome = Destination(
        city: "Rome", country: "Italy", region: "Europe",
        summary: "Twenty-seven centuries on foot, with a fountain at every turn.", days: 3...5,
        seasons: ["spring", "fall"], themes: ["history", "art", "food"],
        outings: [
            Outing("the Colosseum", "the Forum and the Palatine on the same ticket", ["history"]),
            Outing(
                "the Vatican Museums and the Sistine Chapel", "St Peter's and its square", ["art", "history"], .high),
            Outing("the Pantheon", "Piazza Navona and the Trevi Fountain on foot", ["history", "art"], .free),
            Outing("the Borghese Gallery, by reserved hour", "the park around it", ["art", "nature"]),
            Outing("Trastevere and Santa Maria", "the Janiculum and its view", ["culture"], .free),
            Outing("the Appian Way by bicycle", "the catacombs along it", ["history", "adventure"]),
            Outing("the Capitoline Museums", "the old Ghetto and the river island", ["art", "history"]),
            Outing("Ostia Antica by train, half an hour", "its theatre and mosaics, then the way back", ["history"]),
            Outing("Testaccio and its market", "the Protestant Cemetery and the pyramid", ["food", "culture"], .free),
            Outing("Castel Sant'Angelo", "the Tiber banks and Campo de' Fiori", ["history"]),
            Outing(
                "Tivoli and Villa d'Este by train", "the fountains, and Hadrian's Villa by bus", ["history", "nature"]),
            Outing("the Baths of Caracalla", "the Aventine, its keyhole and orange garden", ["history"]),
            Outing(
                "San Clemente and its layers underground", "the mosaics of Santa Maria Maggiore", ["history", "art"]),
            Outing("the MAXXI", "the bridges and cafés of Flaminio", ["art"]),
        ],
        cuisine: ["cacio e pepe", "supplì", "gelato"],
        meals: [
            "cacio e pepe in a trattoria", "pizza by the slice and a supplì", "carbonara where the locals eat",
            "artichokes in the Ghetto", "gelato after a light aperitivo", "porchetta with a glass of Frascati",
            "saltimbocca and chicory", "amatriciana in Testaccio",
        ],
        tips: ["Book the Colosseum and the Vatican by the hour.", "Cover shoulders and knees in churches."])

    static let edinburgh = Destination(
        city: "Edinburgh", country: "United Kingdom", region: "Europe",
        summary: "A castle, a volcano and two towns, old and new, within a walk.", days: 2...4,
        seasons: ["summer"], themes: ["history", "culture", "nature"],
        outings: [
            Outing("Edinburgh Castle", "the Royal Mile and its closes", ["history"], .high),
            Outing("Arthur's Seat", "Holyrood Park and Duddingston village", ["nature", "adventure"], .free),
            Outing("the National Museum of Scotland", "Greyfriars and the Grassmarket", ["history", "family"], .free),
            Outing(
                "Dean Village and the Water of Leith", "the galleries of modern art upstream", ["nature", "art"], .free),
            Outing("the Royal Botanic Garden", "Stockbridge and its shops", ["nature"], .free),
            Outing("the Palace of Holyroodhouse", "Calton Hill and its monuments", ["history"]),
            Outing("the Scottish National Gallery", "Princes Street Gardens and the New Town", ["art"], .free),
            Outing("Leith and the yacht Britannia", "the shore of Leith on foot", ["history", "coast"]),
            Outing(
                "the Pentland Hills by bus", "a circular walk, back by late afternoon", ["nature", "adventure"], .free),
            Outing("Rosslyn Chapel by bus", "the glen below it", ["history", "art"]),
            Outing("North Berwick by train", "the beach and the Bass Rock from the harbour", ["coast", "nature"]),
            Outing("Stirling by train, an hour", "its castle, and the old bridge", ["history"]),
            Outing("the Writers' Museum in Lady Stair's House", "a storyteller's walk of the old town", ["culture"]),
            Outing("Portobello beach", "the promenade and a sauna by the sea", ["coast", "wellness"], .free),
        ],
        cuisine: ["haggis", "smoked fish", "whisky"],
        meals: [
            "haggis, neeps and tatties", "smoked fish and oatcakes", "a whisky tasting after supper",
            "fish and chips by the sea",
            "cullen skink, the smoked haddock soup", "a roast in a pub with a fire", "cranachan to end a small dinner",
            "an afternoon tea in place of supper",
        ],
        tips: ["August is festival month: reserve early.", "Carry a rain jacket and shoes for wet stone."],
        climate: .cold)

    static let vienna = Destination(
        city: "Vienna", country: "Austria", region: "Europe",
        summary: "An imperial stage with coffee houses as its foyer, and music every night.", days: 3...5,
        seasons: ["winter", "spring"], themes: ["music", "art", "history"],
        outings: [
            Outing("Schönbrunn Palace", "its gardens up to the Gloriette", ["history"]),
            Outing("the Kunsthistorisches Museum", "the Ring on foot to the Opera", ["art"]),
            Outing("the Hofburg and its treasury", "St Stephen's Cathedral and the old lanes", ["history"]),
            Outing("the Belvedere and Klimt's Kiss", "the Karlskirche and its square", ["art"]),
            Outing("the Naschmarkt", "the Secession and its frieze", ["food", "art"]),
            Outing("a guided tour of the State Opera", "the House of Music", ["music", "family"]),
            Outing("the Leopold Museum", "the courts of the MuseumsQuartier", ["art"]),
            Outing("the Prater and the giant wheel", "the long alley under chestnuts", ["family", "nature"]),
            Outing("the Kahlenberg by bus", "down through the vineyards to Grinzing", ["nature", "food"], .free),
            Outing("the Central Cemetery and its composers", "a rest in a coffee house", ["music", "history"], .free),
            Outing(
                "Melk and the Wachau by train", "a boat on the Danube in the warm months, and the way back",
                ["nature", "history"], .high),
            Outing("the Hundertwasserhaus", "the Danube Canal and its murals", ["art"], .free),
            Outing("the Albertina", "the Burggarten and the Palm House", ["art"]),
            Outing("the Danube Island by bicycle", "a swim or a rest by the water", ["nature", "wellness"], .free),
        ],
        cuisine: ["schnitzel", "Sachertorte", "goulash"],
        meals: [
            "a schnitzel larger than the plate", "Sachertorte in a coffee house after a light supper",
            "goulash with a roll",
            "a Heuriger's cold plates and young wine", "Tafelspitz with horseradish", "a sausage stand after the music",
            "Kaiserschmarrn with plum compote", "open sandwiches and a small beer",
        ],
        tips: ["Standing places at the Opera are cheap on the day.", "Coffee houses expect you to stay."],
        climate: .cold)
}
