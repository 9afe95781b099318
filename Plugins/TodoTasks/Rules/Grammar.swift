/// The sentences that are understood. Rules are tried from top to bottom; the first that matches the whole clause counts.
enum Grammar {
    /// Words that mean the same.
    static let lists: [String: String] = [
        "@a": "a an the my another one some new this these following",
        "@task": "task todo to-do item reminder thing",
        "@tasks": "tasks todos to-dos items reminders things todo_list to-do_list task_list to_do_list list ones",
        "@titled":
            "to for called named titled about saying that_says which_says with_the_title with_title of reading : -",
        "@show":
            "show list display see view read print give get tell check review open pull_up bring_up look_at go_over",
        "@complete": "complete finish close done resolve accomplish tick check",
        "@done": "done complete completed finished closed checked ticked resolved accomplished ready",
        "@did": "did finished completed done accomplished resolved",
        "@delete":
            "delete remove cancel erase drop trash scrap discard clear dismiss kill purge ditch get_rid_of forget_about throw_away throw_out cross_out",
        "@update": "update change rename edit modify correct reword rewrite alter fix",
        "@pending":
            "pending open incomplete unfinished undone todo to-do to_do active uncompleted outstanding not_done not_completed not_finished not_complete",
    ]

    /// What a matching sentence means.
    enum Meaning: Sendable {
        case add, addLater, addSeveral, askTitle, list, complete, reopen, delete, rename, describe, undescribe,
            askChange
        case refrain, explain, unsupported, capabilities, greeting, wellBeing, thanks, farewell, yes, no
    }

    /// Words at the beginning that change nothing.
    static let politeness = phrases(
        """
        please, can you, could you, would you, will you, can u, can you please, could you please, would you please, \
        hey, hi, hello, ok, okay, alright, well, so, now, then, and, but, also, plus, after that, \
        and then, just, kindly, i want to, i wanna, i would like to, id like to, id love to, i would like you to, \
        id like you to, i want you to, i need you to, lets, let us, go ahead and, help me, help me to, yes, yeah, yep, \
        sure, actually, oh, hmm, um, uh, thanks, thank you, great, cool, nice, perfect, awesome, do me a favor and, \
        would you mind, do you mind, may i, can i, could i, can we, could we, i think you should, you should, you can, \
        you may, feel free to, be so kind and, i wish to, ill, i will, dear assistant, hey there, hi there, hello there, \
        good morning, good evening, quickly, by the way, btw, maybe, perhaps
        """)

    /// Words at the end that change nothing.
    static let courtesy = phrases(
        """
        please, thanks, thank you, thx, for me, for me please, now, right now, ok, okay, thank you very much, \
        thanks a lot, if you can, if possible, would you, will you, can you, asap please
        """)

    /// Words at the end that only say where the tasks are kept.
    static let places = phrases(
        """
        to my list, to the list, to my todo list, to my to-do list, to my tasks, to my task list, to the todo list, \
        on my list, on the list, on my todo list, on my to-do list, in my list, in my tasks, in my todo list, \
        from my list, from the list, from my todo list, from my to-do list, from my tasks, off my list, off the list, \
        to my todos, as a task, as a todo, as a new task
        """)

    /// Sentences that are only talk, or ask for something that is not done. They come before everything else.
    static let talk = rules([
        (
            .greeting,
            "hi|hello|hey|hiya|howdy|greetings|yo|hola|moin|good_morning|good_evening|good_afternoon|good_day [there|you|assistant|bot|everyone|again|all]"
        ),
        (
            .wellBeing,
            "[and] how_are_you|how_are_you_doing|how_is_it_going|hows_it_going|whats_up|how_do_you_do [today|now]"
        ),
        (
            .thanks,
            "[ok|great|cool] [many|big] thanks|thank_you|thx|cheers|ty|great|perfect|awesome|cool|nice|wonderful|good_job|well_done [a_lot|so_much|very_much|for_that|again|for_your_help|for_the_help|job|work]"
        ),
        (
            .farewell,
            "bye|goodbye|bye_bye|see_you|see_ya|good_night|later|farewell|so_long [later|soon|then|for_now|tomorrow]"
        ),
        (
            .yes,
            "yes|yeah|yep|sure|ok|okay|y|do_it|go_ahead|of_course|please_do|correct|right|exactly [please|do_it|do_that|add_it|go_ahead]"
        ),
        (.no, "no|nope|nah|never_mind|nevermind|forget_it|not_now|cancel_that|stop [thanks|thank_you|please]"),
        (.capabilities, "what|which can|could|do you|u [all|else] do [for_me|for_us|here|with_tasks|exactly]"),
        (.capabilities, "help|commands|menu|usage [me|please]"),
        (.capabilities, "what are your features|capabilities|commands|skills|abilities"),
        (.capabilities, "what are you capable of"),
        (.capabilities, "who|what are you"),
        (.capabilities, "what commands|things|actions *"),
        (
            .capabilities,
            "can|could you|u|i add|create|delete|remove|update|change|rename|complete|list|show|manage|handle tasks|todos|things|lists [too|for_me]"
        ),
        (.capabilities, "can you help [me] [with_tasks|with_my_tasks|with_something]"),
    ])

    /// Not forgetting means adding: tried before negation.
    static let doNotForget = rules([
        (
            .add,
            "[and] [also] dont|do_not|never|must_not|mustnt|i_must_not|i_mustnt|i_dont_want_to|lets_not|i_cant|i_cannot forget|miss to|about|that_i_need_to|that_i_have_to|that_i_must <title>"
        ),
        (.add, "[and] dont|do_not let me|us forget to|about|that_i_need_to|that_i_have_to <title>"),
        (.add, "[and] dont|do_not|never|i_must_not|i_mustnt|i_cant forget <title>"),
        (.add, "make sure i|we dont forget [to|about] <title>"),
        (.add, "make sure i|that_i remember [to] <title>"),
    ])

    /// Beginnings of sentences after which nothing may be done.
    static let negations = phrases(
        """
        dont, do not, never, please dont, no dont, no need to, theres no need to, there is no need to, you dont need to, \
        you dont have to, you neednt, i dont want, i do not want, i dont want to, i dont need, i dont think, not, \
        i didnt ask, i did not ask, i never said, i never asked, i didnt say, i didnt mean, you shouldnt, \
        you should not, you must not, you cant, lets not, it would be wrong to, i wouldnt, i would not, \
        id rather not, id rather you didnt, i would rather not, rather than, instead of, without, stop, refrain from, \
        avoid, why did you, why have you, im not sure, i am not sure, i was going to, i almost, i might, \
        if i, if you, what if, suppose, imagine
        """)

    /// Beginnings of questions about how or whether something is done.
    static let questions = phrases(
        """
        how do i, how do you, how does, how can i, how can you, how could i, how would i, how would you, how should i, \
        how to, how will, how is, what happens, what will happen, what would happen, what does, what is the difference, \
        what do you mean, what is the way, whats the way, whats the best way, what is the best way, \
        why, should i, shall i, is it possible, is there a way, is there an option, are you able to, can you explain, \
        could you explain, explain, tell me how, show me how, teach me, do you know how, when should i, when do i, \
        where do i, where can i, where is the, who can, do i need to, do i have to, will it, does it, does this, \
        am i able to, i wonder, im wondering, i dont know how, what is a, whats a, do you support, can this
        """)

    /// What the list does not keep.
    static let unsupported = rules([
        (
            .unsupported,
            "@update|set|put|give|assign [@a] due|deadline|due_date|priority|prio|tag|label|category|alarm *"
        ),
        (.unsupported, "add [@a] due_date|deadline|priority|prio|tag|label|category|alarm [of] to|for|on *"),
        (
            .unsupported,
            "@update|set|give|assign|move <plain> due|deadline|priority|due_date|tag|label|category|alarm *"
        ),
        (
            .unsupported,
            "make|mark|flag <plain> urgent|important|high_priority|low_priority|a_priority|recurring|repeat"
        ),
        (.unsupported, "make|mark|flag <plain> as urgent|important|high_priority|low_priority|a_priority|recurring"),
        (.unsupported, "set [@a] reminder|alarm for|at|on *"),
        (
            .unsupported,
            "share|export|sync|print|sort|prioritize|prioritise|snooze|postpone [my|the|all] [@tasks|@task] *"
        ),
        (.unsupported, "when is|are <plain> due"),
    ])

    /// Sentences that add. They come before the others, because a title may hold any words.
    static let adding = rules([
        (
            .describe,
            "add|set|put|write|attach|include [@a] note|description|comment|detail|details to|of|for|on|in|at <ref> : <text>"
        ),
        (
            .describe,
            "add|set|put|write|attach|include [@a] note|description|comment|detail|details to|of|for|on|in|at <ref> saying|that_says|to|as|reading <text>"
        ),
        (
            .describe,
            "add|put|write|attach|include <text> to|as|in|into the description|notes|note|details of|for|on <ref>"
        ),
        (.reopen, "make|mark|set|put <ref> [back] [as|to|into] [being|still] @pending"),
        (.complete, "make|mark|set|put <ref> as|to|into @done"),
        (.complete, "mark <ref> [is|off|as] @done"),
        (.rename, "make|have|let <ref> say|read|be_called <title>"),
        (
            .askTitle,
            "add|create|make|put|new|insert|start [me] [@a] [new|other|more|quick] [todo|to-do] @task|one|something|tasks [to|on|in] [my|the] [list|todo_list|to-do_list|tasks|me]"
        ),
        (
            .addSeveral,
            "add|create|make|put|write_down|note|new [me] [@a|these|following|two|three|four|five] tasks|todos|items|to-dos [to|for|:|called|-] <title>"
        ),
        (
            .add,
            "add|create|make|put|open|start|log|record|write|set_up|schedule|insert|register|enter|new|note_down|write_down|need|i_need|i_want|give_me|have [me] [@a] [new|quick|small|simple|other|more|important] [pending|todo|to-do] @task [on|to|in|into|for] [my] [list] @titled [to|:|-|that_i_need_to|that_i_should] <title>"
        ),
        (
            .add,
            "put|add|place|write|get|stick|throw <title> on|to|in|into|onto my|the|our|this [todo|to-do|task|tasks|to_do] list|tasks|todos|todo|to-dos|to-do"
        ),
        (.add, "put|add|write <title> as a|an|another [new] @task"),
        (.add, "add|create|insert|new [@a] [new] @task <title>"),
        (
            .askTitle,
            "add|create|remember|remind_me|new_task|i_want_to_add_something|add_something|add_it [something|to_my_list|to_the_list|this|please]"
        ),
        (.addLater, "remind|notify|alert me <when> to|that|about <title>"),
        (.add, "remind|remember me|us to|about|that_i_need_to|that_i_have_to|that_i_should|of|that <title>"),
        (.add, "remind me <title>"),
        (
            .add,
            "i|we need|have|want|ought|must|should|gotta|would_like|wish to remember|note|keep_in_mind|remind_myself to|that_i_need_to|about|that|: <title>"
        ),
        (.add, "i|we must|should|gotta|shall|have_got_to|need_to|have_to|want_to remember [to|about|that] <title>"),
        (.add, "remember|remembering [to|that_i_need_to|that_i_have_to|that] <title>"),
        (.add, "note [to_self|down|that_i_need_to|that] [to|:] <title>"),
        (.add, "write|jot|put|take|note down|up [that_i_need_to|that_i_have_to|to|that|:] <title>"),
        (.add, "[my] new|next @task [is|:|-] [to] <title>"),
        (.add, "task|todo|to-do|reminder : <title>"),
        (.add, "add|create [to_my_list|to_the_list|to_my_tasks|in_my_list] [:|-|to] <title>"),
        (.add, "track|log|record [that_i_need_to] <title>"),
    ])

    /// Wishes that only count as a new task when no rule of `acting` finds a clear reference in them.
    static let wishing = rules([
        (.add, "[and] [also] i|we [also|still|really] need|have|ought|got to <title>"),
        (.add, "[and] [also] i|we [also|still|really] must|should|gotta <title>"),
        (.add, "ive_got|weve_got|i_have_got|we_have_got to <title>"),
    ])

    /// Everything else that is done with tasks.
    static let acting = rules([
        (.reopen, "reopen|uncomplete|uncheck|untick|unmark|undo|restore|reactivate|unfinish|redo <ref>"),
        (.reopen, "mark|set|put|make|change|move|turn|switch <ref> [back] [as|to|into] [being|still] @pending [again]"),
        (
            .reopen,
            "<ref> is|isnt|was|wasnt|are|arent|has|hasnt|still|is_still|is_actually [not|been] [yet|actually|still] @pending|open_again|not_done_yet [yet|again|after_all]"
        ),
        (
            .reopen,
            "<ref> isnt|wasnt|arent|is_not|was_not|hasnt_been|has_not_been|hasnt [yet|actually|really] @done [yet|after_all]"
        ),
        (
            .reopen,
            "i|we didnt|havent|did_not|have_not|never [actually|really] [@complete|do|done|did|finished|completed|@did] <ref> [yet|after_all]"
        ),
        (.reopen, "[@task] not @done [yet] : <ref>"),
        (
            .complete,
            "mark|set|put|flag|check|make|change|move|turn <ref> [as|to|is|off] [being|a] @done|off|off_my_list|off_the_list"
        ),
        (.complete, "mark|set|flag off|as_done|as_complete|as_completed|done|complete|completed|finished [:] <ref>"),
        (.complete, "check|tick|cross|strike off [the] <ref>"),
        (.complete, "check|tick|cross|strike <ref> off [my|the] [list|todo_list]"),
        (.complete, "@complete [off|with] [:] <ref>"),
        (
            .complete,
            "i|we|ive|weve|i_have|i_am|im|i_just|we_have [just|already|now|finally|am] @did [with] <ref> [already|now|today|just_now|yesterday|this_morning]"
        ),
        (
            .complete,
            "<ref> is|are|was|has_been|have_been|got|is_now|is_already|are_all [all|now|already|finally|just] @done [now|already]"
        ),
        (.complete, "<ref> @done [now|already]"),
        (.complete, "@done [with] [:] <ref>"),
        (
            .delete,
            "take|cross|strike|get|throw|wipe|drop <ref> off|out_of|from [my|the|this] [todo|to-do|task] list|tasks|todos"
        ),
        (
            .delete,
            "@delete [off|out|up] [:] <ref> [from|off|in|on|out_of] [my|the|this] [todo|to-do|task|whole] list|tasks|todos|todo_list"
        ),
        (.delete, "@delete [off|out|up|:] <ref>"),
        (.delete, "i|we no_longer need|want|have [to_do|to] <ref>"),
        (.delete, "<ref> can|should|must be @delete|deleted|removed|cancelled|canceled|erased|dropped"),
        (.delete, "<ref> is|was cancelled|canceled|obsolete|not_needed_anymore|no_longer_needed"),
        (.undescribe, "@delete [the|my] description|note|notes|details of|from|for|on <ref>"),
        (.describe, "@update|set [the|my] description|note|notes|details of|for|on|in <ref> to|as|into|with|: <text>"),
        (.describe, "@update [the] <ref> description|note|notes to|as|with <text>"),
        (.describe, "describe <ref> as <text>"),
        (
            .rename,
            "@update|set [the|my] title|name|text|wording of|for|on <ref> to|into|as|with|: [be|say|read] <title>"
        ),
        (.rename, "@update <ref> to|into|as|so_it_says|so_that_it_says|with [be|say|read|title|the_title] <title>"),
        (.rename, "@update <ref> title|name to|into|as <title>"),
        (.rename, "replace|swap <ref> with|by|for <title>"),
        (.rename, "turn|call|retitle <ref> into|to|as <title>"),
        (.rename, "<ref> should|must|needs_to say|read|be|be_called|become <title>"),
        (.askChange, "@update [the] [title|name|description] [of] <ref>"),
    ])

    /// Questions for the list. Which tasks are meant follows from the words of the whole clause.
    static let listing = rules([
        (
            .list,
            "[@show] [me|us|over] [what|whats|whatever|everything|all_of|all|only|just|out] [of] [is|i] [on|have] [@a|our] [current|whole|entire|full|complete|existing|remaining|left|completed|finished|done|closed|@pending] [@tasks|task|todo|to-do] [list] [please|again|now|today|for_today|i_have|i_have_left|left|to_do|ive_completed|that_are_done|that_are_not_done|that_are_pending|that_are_completed|that_i_have|that_i_have_to_do|on_my_list|so_far|remaining|are_pending|which_are_pending|ive_done|ive_finished|i_have_completed|i_completed|i_finished|i_did|that_are_open|that_are_still_open|are_there|that_are_left|done|completed|pending|finished|open]"
        ),
        (.list, "@show me|us|everything|all [all|everything|the_list|it_all|of_them|of_it|of_my_tasks]"),
        (.list, "@show|list everything|all [that|i] [is|have] [pending|open|left|done|completed|to_do|on_my_list]"),
        (
            .list,
            "[and] what|whats|which|what_is|what_are|what_all [is|are|tasks|todos|items|things|stuff|else] [the|my|all|on|still] [my|the|tasks|todos|items] [still] @pending|@done|left|remaining|todo_list|list|tasks|todos|to-dos|due|my_tasks|on_my_list|on_the_list|on_my_plate|on_my_agenda [list|tasks|to_do|right_now|now|today|still|for_me|yet|currently|on_my_list|then|again|already]"
        ),
        (
            .list,
            "what|which [tasks|things|items|todos|stuff|ones|all|of_my_tasks|of_them] [have|havent|didnt|did|do|should|must|are|has|is|else] [i|we|there] [still|already|currently] [have|has|need|@did|do|complete|finish|got|to|left|@pending] [left|to_do|todo|to_be_done|done|completed|so_far|today|already|on_my_list|on_the_list|pending|open|on_my_plate|tomorrow|now|to_complete|to_finish|yet|next] [today|now|tomorrow|yet|next|left|this_week|so_far]"
        ),
        (
            .list,
            "have|did|do|are [i|we|there] [already|still] [have|got|@did|complete|finish|any] [any|some|anything] [@pending|@done|more|other|left] [tasks|todos|items|things|anything|something] [left|to_do|pending|open|done|completed|on_my_list|today|remaining|at_all|yet]"
        ),
        (
            .list,
            "is|are there|anything anything|something|any|still|left [tasks|todos|still] [left|pending|open|to_do|on_my_list] [to_do|on_my_list|left]"
        ),
        (.list, "how many [@pending|@done|more|of_my] [tasks|todos|items|things] *"),
        (
            .list,
            "[my|all|the|any|all_my|all_the] [current|@pending|@done|remaining] tasks|todos|to-dos|todo_list|to-do_list|task_list|list|to_do_list [please|left]"
        ),
        (.list, "whats|what_is left|next|up [to_do|for_today|today|for_me]"),
        (.list, "@pending|@done tasks|todos|items"),
    ])

    private static func rules(_ list: [(Meaning, String)]) -> [(meaning: Meaning, pattern: Pattern)] {
        list.map { ($0.0, Pattern($0.1, lists: lists)) }
    }

    /// Phrases separated by commas, longest first.
    private static func phrases(_ text: String) -> [[String]] {
        text.split(separator: ",").map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
            .sorted { $0.count > $1.count }
    }
}
