import Testing

@testable import TodoTasks

/// What people say, and what is understood.
struct PhrasingTests {
    @Test(arguments: adding) func adds(_ phrase: String, _ title: String) {
        #expect(Clauses.read(phrase) == [.add(title: title, description: nil)], "\(phrase)")
    }

    @Test(arguments: listing) func lists(_ phrase: String, _ filter: Intent.Filter) {
        #expect(Clauses.read(phrase) == [.list(filter)], "\(phrase)")
    }

    @Test(arguments: changing) func changes(_ phrase: String, _ intents: [Intent]) {
        #expect(Clauses.read(phrase) == intents, "\(phrase)")
    }

    @Test(arguments: harmless) func doesNothing(_ phrase: String) {
        let commands = Clauses.read(phrase).filter(\.isCommand)
        #expect(commands.isEmpty, "\(phrase)")
    }

    @Test(arguments: several) func doesSeveralThings(_ phrase: String, _ intents: [Intent]) {
        #expect(Clauses.read(phrase) == intents, "\(phrase)")
    }

    @Test func understandsDescriptions() {
        #expect(
            Clauses.read("Add a task to buy milk with description 2 liters, organic")
                == [.add(title: "Buy milk", description: "2 liters, organic")])
        #expect(
            Clauses.read("add task 'Call Bob' with the note 'about the car'")
                == [.add(title: "Call Bob", description: "about the car")])
        #expect(
            Clauses.read("Add a task to buy milk. The kids are out of it.")
                == [.add(title: "Buy milk", description: "The kids are out of it")])
    }

    @Test func hostileMessagesEndSoon() {
        let clock = ContinuousClock()
        let messages = [
            String(repeating: "and add task to ", count: 5000), String(repeating: "'", count: 20000),
            String(repeating: "mark is done ", count: 3000), String(repeating: "a.", count: 10000),
            String(repeating: "delete 1, ", count: 3000), String(repeating: "\n", count: 10000), "\u{0}\u{FEFF}🏳️‍🌈",
        ]
        for message in messages {
            let time = clock.measure { _ = Clauses.read(message) }
            #expect(time < .seconds(10), "\(message.prefix(20))")
        }
    }
}

private let adding: [(String, String)] = [
    ("Add a task to buy groceries", "Buy groceries"),
    ("I need to remember to pay bills", "Pay bills"),
    ("add buy milk", "Buy milk"),
    ("Add task buy milk", "Buy milk"),
    ("Add a task: buy milk", "Buy milk"),
    ("add 'Buy milk'", "Buy milk"),
    ("Add \"Buy milk\" to my list", "Buy milk"),
    ("add buy milk to my todo list please", "Buy milk"),
    ("Please add a task to call mom", "Call mom"),
    ("Can you add a task to call mom?", "Call mom"),
    ("could you please create a new task called Dentist", "Dentist"),
    ("Create a task named \"Write report\"", "Write report"),
    ("create a todo to water the plants", "Water the plants"),
    ("Create a new todo: water the plants", "Water the plants"),
    ("I want to add a task to finish the report", "Finish the report"),
    ("I'd like to add a task to feed the cat", "Feed the cat"),
    ("Remind me to cancel the gym", "Cancel the gym"),
    ("remind me to call Bob tomorrow", "Call Bob tomorrow"),
    ("Remember to send the invoice", "Send the invoice"),
    ("Don't forget to buy eggs", "Buy eggs"),
    ("Don’t let me forget to lock the door", "Lock the door"),
    ("add a task to delete old emails", "Delete old emails"),
    ("Add a task to show the list to Bob", "Show the list to Bob"),
    ("add task to mark the exams", "Mark the exams"),
    ("New task: update the website", "Update the website"),
    ("new todo clean the kitchen", "Clean the kitchen"),
    ("todo: read a book", "Read a book"),
    ("I need to buy milk", "Buy milk"),
    ("I have to finish the report", "Finish the report"),
    ("I must call the bank", "Call the bank"),
    ("Put 'walk the dog' on my list", "Walk the dog"),
    ("put milk on my todo list", "Milk"),
    ("Add a taks to buy bread", "Buy bread"),
    ("ad a task to buy bread", "Buy bread"),
    ("crate a task to buy bread", "Buy bread"),
    ("Note to self: renew passport", "Renew passport"),
    ("write down that I need to renew my passport", "Renew my passport"),
    ("make a task to plan the party", "Plan the party"),
    ("Make a new task for the party", "The party"),
    ("Add a task to buy milk and eggs", "Buy milk and eggs"),
    ("Add a task to clean the kitchen and remove the trash", "Clean the kitchen and remove the trash"),
    ("Add a task to 写报告 📝", "写报告 📝"),
    ("Add a task to email Dr. Smith", "Email Dr. Smith"),
    ("hey, can you add pick up kids at 3:30pm to my list?", "Pick up kids at 3:30pm"),
    ("Add a task to buy iPhone", "Buy iPhone"),
    ("add another task to call Alice", "Call Alice"),
    ("Add a task to call Alice.", "Call Alice"),
    ("Add a task to call Alice!", "Call Alice"),
    ("I need a task to book flights", "Book flights"),
    ("Add a reminder to take my pills", "Take my pills"),
    ("remind me tomorrow to call Bob", "Call Bob tomorrow"),
    ("Add a task to pay the due invoice", "Pay the due invoice"),
    ("Add a task to don't panic", "Don't panic"),
    ("Create task \"Don't delete task 3\"", "Don't delete task 3"),
    ("Add “Prepare slides” as a task", "Prepare slides"),
    ("please remember that I have to renew the visa", "Renew the visa"),
]

private let listing: [(String, Intent.Filter)] = [
    ("Show me all my tasks", .all), ("Show me all tasks", .all), ("show my tasks", .all), ("list tasks", .all),
    ("List all tasks please", .all), ("list", .all), ("my tasks", .all), ("What's on my list?", .all),
    ("whats on my todo list", .all), ("what are my tasks", .all), ("Can you show me my tasks?", .all),
    ("show everything", .all), ("See my tasks", .all), ("What tasks do I have?", .all), ("do I have any tasks?", .all),
    ("display the task list", .all), ("How many tasks do I have?", .all), ("shwo my taks", .all),
    ("What's pending?", .pending), ("what is pending", .pending), ("show pending tasks", .pending),
    ("Show me my pending tasks", .pending), ("what's left?", .pending), ("What do I have to do?", .pending),
    ("what's left to do", .pending), ("show open tasks", .pending), ("list unfinished tasks", .pending),
    ("What do I still have to do today?", .pending), ("which tasks are still open?", .pending),
    ("show me tasks that are not done", .pending), ("what haven't I finished?", .pending),
    ("is there anything left to do", .pending), ("any pending tasks?", .pending),
    ("What have I completed?", .completed), ("what have I done", .completed), ("show completed tasks", .completed),
    ("list my finished tasks", .completed), ("Show me what I've done", .completed), ("what did I finish", .completed),
    ("which tasks are done?", .completed), ("show me the completed ones", .completed),
]

private let changing: [(String, [Intent])] = [
    ("Mark task 3 as complete", [.complete(.id(3))]), ("Mark task 1 complete", [.complete(.id(1))]),
    ("mark task 1 as done", [.complete(.id(1))]), ("Complete task 2", [.complete(.id(2))]),
    ("complete #2", [.complete(.id(2))]), ("task 3 is done", [.complete(.id(3))]), ("Task 3 done", [.complete(.id(3))]),
    ("I finished task 4", [.complete(.id(4))]), ("I've completed task number 4", [.complete(.id(4))]),
    ("I'm done with the report", [.complete(.name("report"))]), ("finish task three", [.complete(.id(3))]),
    ("check off buy milk", [.complete(.name("buy milk"))]), ("tick task 5", [.complete(.id(5))]),
    ("mark 'Buy milk' as completed", [.complete(.name("Buy milk"))]), ("mark it as done", [.complete(.mentioned)]),
    ("Mark the groceries task complete", [.complete(.name("groceries"))]),
    ("could you mark task 7 as finished please?", [.complete(.id(7))]), ("compelte task 1", [.complete(.id(1))]),
    ("I bought groceries, mark it done", [.unclear("I bought groceries"), .complete(.mentioned)]),
    ("complete tasks 1, 2 and 3", [.complete(.id(1)), .complete(.id(2)), .complete(.id(3))]),
    ("the last one is done", [.complete(.position(-1))]), ("complete the first task", [.complete(.position(1))]),
    ("Mark everything as done", [.complete(.every(.all))]),
    ("task 2 is not done", [.reopen(.id(2))]), ("Reopen task 2", [.reopen(.id(2))]),
    ("mark task 2 as not done", [.reopen(.id(2))]), ("mark task 2 as pending", [.reopen(.id(2))]),
    ("uncheck task 2", [.reopen(.id(2))]), ("I didn't finish task 2", [.reopen(.id(2))]),
    ("set task 2 back to pending", [.reopen(.id(2))]), ("task 2 isn't done yet", [.reopen(.id(2))]),
    ("Delete the meeting task", [.delete(.name("meeting"))]), ("delete task 2", [.delete(.id(2))]),
    ("Remove task 2 from my list", [.delete(.id(2))]), ("delte task 2", [.delete(.id(2))]),
    ("please remove the gym task", [.delete(.name("gym"))]), ("cancel task 9", [.delete(.id(9))]),
    ("get rid of task 4", [.delete(.id(4))]), ("take buy milk off my list", [.delete(.name("buy milk"))]),
    ("delete it", [.delete(.mentioned)]), ("delete that one", [.delete(.mentioned)]),
    ("delete 'Team meeting'", [.delete(.name("Team meeting"))]), ("delete a task", [.delete(.unnamed)]),
    ("I need to delete task 3", [.delete(.id(3))]), ("I want to delete the meeting task", [.delete(.name("meeting"))]),
    ("delete tasks 1 and 2", [.delete(.id(1)), .delete(.id(2))]),
    ("delete all completed tasks", [.delete(.every(.completed))]), ("Remove the last task", [.delete(.position(-1))]),
    ("Delete the groceries task", [.delete(.name("groceries"))]),
    ("Change task 1 to 'Call mom tonight'", [.rename(.id(1), title: "Call mom tonight")]),
    ("rename task 1 to call mom", [.rename(.id(1), title: "Call mom")]),
    ("update task 2 to buy oat milk", [.rename(.id(2), title: "Buy oat milk")]),
    ("Change buy milk to buy oat milk", [.rename(.name("buy milk"), title: "Buy oat milk")]),
    ("change the title of task 3 to Pay rent", [.rename(.id(3), title: "Pay rent")]),
    ("rename it to Pay rent", [.rename(.mentioned, title: "Pay rent")]),
    ("change the description of task 1 to two liters", [.describe(.id(1), text: "two liters")]),
    ("add a note to task 1: two liters", [.describe(.id(1), text: "two liters")]),
    ("update task 2", [.askChange(.id(2))]), ("add a task", [.askTitle]), ("Add", [.askTitle]),
    ("add something to my list", [.askTitle]),
]

private let harmless: [String] = [
    "hello", "Hi there!", "thanks", "thank you so much", "good morning", "How are you?", "bye", "what can you do?",
    "help",
    "Who are you?", "don't delete task 1", "Please don't delete the meeting task", "do not mark task 1 as done",
    "never remove task 2", "I don't want to delete anything", "How do I delete a task?",
    "how can I mark a task as done?",
    "what happens if I delete task 1?", "How to add a task", "should I complete task 1?", "why did you delete task 1?",
    "Can you explain how to rename a task?", "set a due date for task 1", "make task 1 high priority",
    "set task 2 priority to high", "What's the weather?", "tell me a joke", "I'm tired", "ok", "yes", "no", "",
    "…", "Can I delete tasks?", "no need to delete it", "what if I delete task 2",
]

private let several: [(String, [Intent])] = [
    (
        "Add a task to buy milk and mark task 1 complete",
        [.add(title: "Buy milk", description: nil), .complete(.id(1))]
    ),
    (
        "add buy milk and add call mom",
        [.add(title: "Buy milk", description: nil), .add(title: "Call mom", description: nil)]
    ),
    (
        "Add a task to buy milk. Then show me all tasks.",
        [.add(title: "Buy milk", description: nil), .list(.all)]
    ),
    ("Delete task 2 and complete task 3", [.delete(.id(2)), .complete(.id(3))]),
    ("delete the meeting task, then show my tasks", [.delete(.name("meeting")), .list(.all)]),
    (
        "add call mom, complete task 1 and show my list",
        [.add(title: "Call mom", description: nil), .complete(.id(1)), .list(.all)]
    ),
    (
        "Add tasks: buy milk, call mom and pay rent",
        [
            .add(title: "Buy milk", description: nil), .add(title: "Call mom", description: nil),
            .add(title: "Pay rent", description: nil),
        ]
    ),
    ("Hello! Show me my tasks", [.greeting, .list(.all)]),
    ("Complete task 1 but don't delete it", [.complete(.id(1)), .refrain]),
    (
        "add buy milk\nadd buy bread",
        [.add(title: "Buy milk", description: nil), .add(title: "Buy bread", description: nil)]
    ),
    ("rename task 1 to Call mom and delete task 2", [.rename(.id(1), title: "Call mom"), .delete(.id(2))]),
]
