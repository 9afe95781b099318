extension Destination {
    static let kyoto = Destination(
        city: "Kyoto", country: "Japan", region: "Asia",
        summary: "Temples, gardens and quiet lanes, with one of the finest kitchens of Japan.", days: 3...5,
        seasons: ["spring", "fall"], themes: ["culture", "history", "food", "nature"],
        outings: [
            Outing(
                "the gates of Fushimi Inari Taisha", "Tōfuku-ji and its gardens, one stop by train", ["culture"], .free),
            Outing("a tea ceremony in Gion", "the lanes up to Kiyomizu-dera on foot", ["culture", "history"]),
            Outing("the bamboo of Arashiyama", "Tenryū-ji and the river Katsura", ["nature", "culture"]),
            Outing(
                "the Philosopher's Path", "Ginkaku-ji and its moss garden at the path's end", ["nature", "culture"],
                .free),
            Outing(
                "the Golden Pavilion Kinkaku-ji", "the stone garden of Ryōan-ji, a short bus ride on",
                ["history", "art"]),
            Outing("Nijō Castle", "the park and halls of the old Imperial Palace", ["history"]),
            Outing(
                "Nara by train, 45 minutes", "Tōdai-ji and the deer park before the way back", ["history", "nature"]),
            Outing(
                "the walk from Kurama to Kibune", "a rest by the stream, then the Eizan train down",
                ["nature", "adventure"]),
            Outing(
                "Uji and the Byōdō-in", "a tea house by the river, 20 minutes by train from town", ["food", "history"]),
            Outing("the Kyoto National Museum", "Sanjūsangen-dō across the street", ["art", "history"]),
            Outing("the gardens of Ōhara by bus", "Sanzen-in among its cedars", ["nature", "culture"]),
            Outing("the brewers' quarter of Fushimi", "a canal walk past the sake houses", ["food", "history"]),
            Outing("Daitoku-ji and its small temples", "the weavers' district Nishijin", ["culture", "art"]),
            Outing("the Kyoto Railway Museum", "Umekōji park next door", ["family"]),
        ],
        cuisine: ["kaiseki", "matcha sweets", "ramen"],
        meals: [
            "kaiseki in small courses", "matcha sweets after a bowl of ramen", "a tasting walk through Nishiki Market",
            "yudōfu, simmered tofu, near a temple", "obanzai, the home cooking of Kyoto, at a counter",
            "soba with herring in an old noodle house", "skewers and sake in a lane off Pontochō",
            "okonomiyaki from the hot plate",
        ],
        tips: ["Visit the famous shrines before nine.", "An IC card pays for trains and buses alike."])

    static let hanoi = Destination(
        city: "Hanoi", country: "Vietnam", region: "Asia",
        summary: "Lakes, old guild streets and a day-long parade of noodle soups.", days: 3...6,
        seasons: ["fall", "spring"], themes: ["food", "culture", "history"],
        outings: [
            Outing(
                "the guild streets of the Old Quarter", "Hoàn Kiếm Lake and the Ngọc Sơn temple",
                ["culture", "history"], .free),
            Outing("the Temple of Literature", "the Fine Arts Museum across the road", ["culture", "art"]),
            Outing(
                "the Ho Chi Minh Mausoleum and the stilt house", "the One Pillar Pagoda and the botanical garden",
                ["history"], .free),
            Outing("the Museum of Ethnology", "the houses in its garden", ["culture", "family"]),
            Outing(
                "Ninh Bình by train or coach, two hours", "a rowing boat through the caves of Tràng An",
                ["nature", "adventure"]),
            Outing("a cooking class that starts at a market", "a rest, then coffee by the Trúc Bạch lake", ["food"]),
            Outing("Hỏa Lò Prison, a museum today", "the French Quarter around the Opera House", ["history"]),
            Outing(
                "a coach to Hạ Long Bay and a day boat", "limestone islands, and the road back by evening",
                ["nature", "coast"], .high),
            Outing(
                "the pottery village of Bát Tràng by bus", "an hour at the wheel, then the river dike",
                ["art", "culture"]),
            Outing("West Lake by bicycle", "Trấn Quốc Pagoda on its small island", ["nature", "wellness"], .free),
            Outing("the Vietnamese Women's Museum", "tailors and silk on Hàng Gai street", ["culture", "history"]),
            Outing(
                "the Perfume Pagoda by boat and cable car", "its cave shrine, and the river back",
                ["nature", "culture"]),
            Outing(
                "Long Biên Market and the iron bridge", "a café on a balcony above the railway side",
                ["food", "history"], .free),
            Outing(
                "the Imperial Citadel of Thăng Long", "a water puppet show in late afternoon", ["history", "family"]),
        ],
        cuisine: ["phở", "bún chả", "egg coffee"],
        meals: [
            "bún chả from the charcoal grill", "phở at a shop that sells nothing else",
            "chả cá with dill, fried at the table",
            "an egg coffee after bánh cuốn, steamed rice rolls", "a street-food walk with a local guide",
            "bún riêu, the crab and tomato soup", "bánh mì on a low stool", "a table of northern dishes to share",
        ],
        tips: [
            "Cross the street slowly and steadily; scooters flow around you.",
            "Carry small notes for the street kitchens.",
        ],
        climate: .tropical)

    static let singapore = Destination(
        city: "Singapore", country: "Singapore", region: "Asia",
        summary: "A green city-state of four languages, where dinner is a national pastime.", days: 2...4,
        seasons: ["winter", "spring"], themes: ["food", "nature", "culture"],
        outings: [
            Outing("the Botanic Gardens and their orchids", "shade and shops along Orchard Road", ["nature"], .free),
            Outing(
                "Chinatown and the Buddha Tooth Relic Temple", "the city model of the URA gallery", ["culture"], .free),
            Outing(
                "Little India and its temples", "Kampong Gelam around the Sultan Mosque", ["culture", "history"], .free),
            Outing("Gardens by the Bay and its cooled domes", "the waterfront of Marina Bay", ["nature", "family"]),
            Outing(
                "the National Gallery in the old Supreme Court", "the Padang and the river quays", ["art", "history"]),
            Outing(
                "the MacRitchie trails and treetop walk", "a rest at the reservoir", ["nature", "adventure"], .free),
            Outing("the zoo at Mandai", "the river park next to it", ["nature", "family"], .high),
            Outing("Pulau Ubin by bumboat and bicycle", "the Chek Jawa boardwalk", ["nature", "adventure"]),
            Outing(
                "the shophouses of Katong and Joo Chiat", "East Coast Park by the sea", ["culture", "coast"], .free),
            Outing("the Southern Ridges and Henderson Waves", "Labrador park by the straits", ["nature"], .free),
            Outing("the National Museum", "Fort Canning hill and its spice garden", ["history", "art"]),
            Outing("the Asian Civilisations Museum", "a boat on the Singapore River", ["history", "culture"]),
            Outing("Sentosa's Fort Siloso and its skywalk", "Palawan or Tanjong beach", ["coast", "family"]),
            Outing("the wetlands of Sungei Buloh by bus", "the farms of Kranji", ["nature"], .free),
        ],
        cuisine: ["chicken rice", "laksa", "chilli crab"],
        meals: [
            "chicken rice at a hawker centre", "a bowl of Katong laksa", "chilli crab with fried buns",
            "kaya toast and kopi for a late snack, then satay", "a banana-leaf meal in Little India",
            "Peranakan home cooking", "roti prata and teh tarik", "fish-head curry to share",
        ],
        tips: [
            "Hawker centres are cheap, clean and open late.",
            "Tap a bank card in trains and buses; no ticket is needed.",
        ],
        climate: .tropical)
}
