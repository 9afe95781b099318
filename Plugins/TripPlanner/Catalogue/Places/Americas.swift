extension Destination {
    static let mexicoCity = Destination(
        city: "Mexico City", country: "Mexico", region: "Americas",
        summary: "Museums, markets and murals at 2,200 metres, and street food at every corner.", days: 4...7,
        seasons: ["spring", "fall"], themes: ["culture", "food", "art"],
        outings: [
            Outing("the Frida Kahlo Museum and Coyoacán", "its plazas and the market", ["art", "culture"]),
            Outing("street food in Roma", "Condesa's parks on foot", ["food"]),
            Outing(
                "a balloon over Teotihuacán", "the pyramids on foot, and the road back", ["history", "adventure"], .high
            ),
            Outing("the boats of Xochimilco", "the flower market of Cuemanco", ["culture", "nature"]),
            Outing("the National Museum of Anthropology", "Chapultepec park next to it", ["history", "culture"]),
            Outing("the Zócalo and the Templo Mayor", "the cathedral and the old streets", ["history"]),
            Outing("the Palace of Fine Arts and its murals", "the Alameda and the Tile House", ["art"]),
            Outing("San Ángel and its Saturday bazaar", "the studio houses of Rivera and Kahlo", ["art", "culture"]),
            Outing("Chapultepec Castle", "the lake below it", ["history", "family"]),
            Outing("the murals of the university campus", "the sculpture walk on lava", ["art", "nature"], .free),
            Outing("Puebla by coach, two hours", "its tiled houses and the cathedral", ["history", "food"]),
            Outing("the Soumaya and Jumex museums", "the cafés of Polanco", ["art"], .free),
            Outing("the Basilica of Guadalupe", "the viewpoint on its hill", ["culture"], .free),
            Outing("the Desierto de los Leones forest by car", "its old convent", ["nature", "history"]),
        ],
        cuisine: ["tacos al pastor", "mole", "mezcal"],
        meals: [
            "tacos al pastor off the spit", "mole with turkey or chicken", "a mezcal tasting with small bites",
            "chilaquiles and, at night, pozole", "quesadillas of blue maize at a market",
            "churros with chocolate after supper",
            "a tostada counter in Coyoacán", "tlacoyos from the griddle",
        ],
        tips: ["Take the first day slowly: the air is thin.", "Buy museum tickets online."])

    static let buenosAires = Destination(
        city: "Buenos Aires", country: "Argentina", region: "Americas",
        summary: "Boulevards and barrios that dine at ten and dance after midnight.", days: 4...6,
        seasons: ["spring", "fall"], themes: ["culture", "nightlife", "music", "food"],
        outings: [
            Outing("Recoleta and its cemetery", "the Museum of Fine Arts", ["history", "art"], .free),
            Outing("San Telmo and its market", "Plaza Dorrego and the old lanes", ["culture", "history"], .free),
            Outing("the Plaza de Mayo and the Casa Rosada", "Avenida de Mayo and its cafés", ["history"], .free),
            Outing("the MALBA", "the parks and rose garden of Palermo", ["art", "nature"]),
            Outing("a guided tour of the Teatro Colón", "the bookshop El Ateneo", ["music", "culture"]),
            Outing("La Boca and Caminito by day", "the Usina or Proa art hall", ["art", "culture"]),
            Outing("a first tango lesson", "a rest before a milonga", ["music", "nightlife"]),
            Outing("Tigre and its delta by train and boat", "the river islands, and the way back", ["nature"]),
            Outing("Palermo Viejo on foot", "shops, murals and coffee", ["art", "nightlife"], .free),
            Outing("the Ecological Reserve", "Puerto Madero's docks", ["nature"], .free),
            Outing("Colonia in Uruguay by ferry, a full day", "its Portuguese streets", ["history"], .high),
            Outing(
                "an estancia on the pampas, a full day", "riding, and the road back", ["adventure", "nature"], .high),
            Outing("the Evita Museum", "the Botanical and the Japanese Garden", ["history", "nature"]),
            Outing(
                "the Sunday fair of Mataderos, or a crafts market", "folk music and a gaucho's lunch",
                ["culture", "music"], .free),
        ],
        cuisine: ["asado", "empanadas", "malbec"],
        meals: [
            "an asado from the grill", "empanadas of several provinces", "a malbec tasting with cheese",
            "pizza the local way, thick",
            "a choripán at a stand", "milanesa in a bodegón", "dulce de leche ice cream after a late supper",
            "homemade pasta on the 29th, ñoquis, or any night",
        ],
        tips: [
            "Dinner starts after nine.", "Seasons are those of the south.",
            "Ride with licensed taxis or apps at night.",
        ],
        isSouthern: true)

    static let vancouver = Destination(
        city: "Vancouver", country: "Canada", region: "Americas",
        summary: "Mountains behind, ocean in front, and forests inside the city.", days: 3...6,
        seasons: ["summer"], themes: ["nature", "adventure", "coast", "food"],
        outings: [
            Outing("the Stanley Park seawall by bicycle", "English Bay", ["nature", "coast"], .free),
            Outing("Granville Island and its market", "False Creek by small ferry", ["food"]),
            Outing("the Museum of Anthropology", "the beaches of Point Grey", ["culture", "art"]),
            Outing("Lynn Canyon and its bridge", "the pools and paths below", ["nature", "adventure"], .free),
            Outing("Grouse Mountain by gondola", "its trails and view", ["adventure", "nature"], .high),
            Outing("Gastown and Chinatown", "the Sun Yat-Sen classical garden", ["history", "culture"]),
            Outing("Whistler by coach, a full day", "the Sea to Sky road and back", ["adventure", "nature"], .high),
            Outing("Bowen Island by ferry", "a walk to Killarney Lake", ["nature", "coast"]),
            Outing("the VanDusen garden", "Queen Elizabeth Park and its dome", ["nature"]),
            Outing("Kitsilano and its beach", "the Maritime Museum", ["coast", "family"], .free),
            Outing("Steveston by bus", "the cannery museum and the river", ["history", "coast"]),
            Outing("Deep Cove by kayak", "the Quarry Rock trail", ["adventure", "coast"]),
            Outing("the Vancouver Art Gallery", "Robson Street and the library", ["art"]),
            Outing("the Pacific Spirit forest", "Spanish Banks at low tide", ["nature"], .free),
        ],
        cuisine: ["salmon", "sushi", "dim sum"],
        meals: [
            "wild salmon on cedar", "sushi at a neighbourhood counter", "dim sum in Richmond",
            "a market picnic of cheese and berries",
            "spot prawns or oysters by the sea", "a Japanese-style hot dog, then craft beer",
            "bannock and game in an Indigenous kitchen",
            "ramen in the West End",
        ],
        tips: ["The mountains are cooler: take a layer.", "Trains run from the airport to the centre in half an hour."])
}
