"""The scripted agent as an author of the reference package would write it: the steps of Tests/Fixtures/ScriptC, said with the
package's own types and helpers.
"""

import asyncio
import json
from datetime import datetime

from pydantic import TypeAdapter

from chatkit.agents import AgentContext
from chatkit.server import diff_widget
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientEffectEvent,
    ClientToolCallItem,
    GeneratedImage,
    GeneratedImageItem,
    GeneratedImageUpdated,
    HiddenContextItem,
    NoticeEvent,
    ProgressUpdateEvent,
    StreamOptions,
    StreamOptionsEvent,
    StructuredInputItem,
    Task,
    TaskItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemRemovedEvent,
    ThreadItemReplacedEvent,
    ThreadItemUpdatedEvent,
    ThreadStatus,
    WidgetItem,
    WidgetStreamingTextValueDelta,
    Workflow,
    WorkflowSummary,
)
from chatkit.widgets import WidgetRoot

MARK = '"@script '


def read(type_, value):
    return TypeAdapter(type_).validate_python(value)


def script_in(cause):
    """The steps in what caused the turn, as the C fixture finds them."""
    text = json.dumps(cause.model_dump(mode="json"), ensure_ascii=False) if cause is not None else ""
    at = text.find(MARK)
    if at < 0:
        return [["text", 1, "There is no script."]], True
    return json.loads(json.JSONDecoder().raw_decode(text[at:])[0][len("@script ") :]), False


class Failure(Exception):
    """What an agent of the reference raises when it cannot go on."""


class Turn:
    def __init__(self, thread, store, context):
        self.thread, self.store, self.context = thread, store, context
        self.items = {}

    def base(self, kind):
        return {
            "id": self.store.generate_item_id(kind, self.thread, self.context),
            "thread_id": self.thread.id,
            "created_at": datetime.now(),
        }

    def update(self, item, update):
        return ThreadItemUpdatedEvent(item_id=item.id, update=update)

    # Messages

    def message(self, number):
        if number not in self.items:
            item = AssistantMessageItem(**self.base("message"), content=[])
            self.items[number] = item
            part = AssistantMessageContent(text="", annotations=[])
            yield ThreadItemAddedEvent(item=item.model_copy(deep=True))
            yield self.update(item, AssistantMessageContentPartAdded(content_index=0, content=part.model_copy(deep=True)))
            item.content.append(part)

    def text(self, number, delta):
        yield from self.message(number)
        item = self.items[number]
        item.content[0].text += delta
        yield self.update(item, AssistantMessageContentPartTextDelta(content_index=0, delta=delta))

    def annotation(self, number, value):
        yield from self.message(number)
        item = self.items[number]
        annotation = read(Annotation, value)
        index = len(item.content[0].annotations)
        item.content[0].annotations.append(annotation)
        yield self.update(
            item,
            AssistantMessageContentPartAnnotationAdded(content_index=0, annotation_index=index, annotation=annotation),
        )

    # Widgets

    def widget(self, number, value):
        wrapped = "type" not in value
        root = read(WidgetRoot, value["widget"] if wrapped else value)
        if number not in self.items:
            copy_text = value.get("copy_text") if wrapped else None
            item = WidgetItem(**self.base("message"), widget=root, copy_text=copy_text)
            self.items[number] = item
            yield ThreadItemAddedEvent(item=item.model_copy(deep=True))
            return
        item = self.items[number]
        for update in diff_widget(item.widget, root):
            yield self.update(item, update)
        item.widget = root

    def widget_text(self, number, value):
        def find(node):
            if getattr(node, "id", None) == value["id"]:
                return node
            return next((f for f in map(find, getattr(node, "children", None) or []) if f is not None), None)

        item = self.items[number]
        node = find(item.widget)
        node.value += value["delta"]
        yield self.update(
            item,
            WidgetStreamingTextValueDelta(
                component_id=value["id"], delta=value["delta"], done=value.get("done", not node.streaming)
            ),
        )

    # Workflows and tasks

    async def with_workflow(self, number, body):
        """Runs one of the helper's functions and hands out the events it made."""
        helper = self.items[number]
        await body(helper)
        while not helper._events.empty():
            yield helper._events.get_nowait().model_copy(deep=True)

    def workflow(self, number, value):
        helper = AgentContext(thread=self.thread, store=self.store, request_context=self.context)
        helper._events = asyncio.Queue()
        self.items[number] = helper
        workflow = read(Workflow, {"type": "custom", "tasks": [], **value})
        return self.with_workflow(number, lambda helper: helper.start_workflow(workflow))

    async def task(self, number, value):
        index = value.get("index")
        task = read(Task, {"type": "custom", **{key: v for key, v in value.items() if key != "index"}})
        helper = self.items.get(number)
        if isinstance(helper, AgentContext):
            count = len(helper.workflow_item.workflow.tasks)

            async def put(helper):
                if index is not None and index < count:
                    await helper.update_workflow_task(task, index)
                else:
                    await helper.add_workflow_task(task)

            async for event in self.with_workflow(number, put):
                yield event
            return
        if number not in self.items:
            item = TaskItem(**self.base("task"), task=task)
            self.items[number] = item
            yield ThreadItemAddedEvent(item=item.model_copy(deep=True))
        else:
            self.items[number].task = task

    def workflow_end(self, number, value):
        summary = read(WorkflowSummary, value["summary"]) if value.get("summary") else None

        async def end(helper):
            await helper.end_workflow(summary, expanded=helper.workflow_item.workflow.expanded)

        return self.with_workflow(number, end)

    # Items that are complete at once

    def client_tool_call(self, number, value):
        base = self.base("tool_call")
        yield ThreadItemDoneEvent(
            item=ClientToolCallItem(
                **base, call_id="call" + base["id"][2:], name=value["name"], arguments=value.get("arguments", {})
            )
        )

    def structured_input(self, number, value):
        yield ThreadItemDoneEvent(item=StructuredInputItem(**self.base("message"), inputs=value["inputs"]))

    def image(self, number, value):
        if number not in self.items:
            self.items[number] = GeneratedImageItem(**self.base("message"))
            yield ThreadItemAddedEvent(item=self.items[number].model_copy(deep=True))
        item = self.items[number]
        if value.get("image"):
            item.image = GeneratedImage(**value["image"])
            yield self.update(item, GeneratedImageUpdated(image=item.image, progress=value.get("progress")))

    def item(self, number, value):
        prefixes = {"client_tool_call": "tool_call", "workflow": "workflow", "task": "task"}
        base = self.base(prefixes.get(value["type"], "message"))
        item = read(ThreadItem, {**base, **value})
        yield ThreadItemDoneEvent(item=item)

    async def replace(self, number, value):
        old = await self.store.load_item(self.thread.id, value["id"], self.context)
        base = {**self.base("message"), "id": old.id, "created_at": old.created_at}
        yield ThreadItemReplacedEvent(item=read(ThreadItem, {**base, **value["item"]}))

    def remove(self, number, value):
        yield ThreadItemRemovedEvent(item_id=value["id"])

    # The rest

    def progress(self, number, value):
        yield ProgressUpdateEvent(**value)

    def notice(self, number, value):
        yield NoticeEvent(**{"level": "info", **value})

    def effect(self, number, value):
        yield ClientEffectEvent(name=value["name"], data=value.get("data") or {})

    def options(self, number, value):
        yield StreamOptionsEvent(stream_options=StreamOptions(**value))

    def hidden_context(self, number, value):
        yield ThreadItemDoneEvent(
            item=HiddenContextItem(**self.base("sdk_hidden_context"), content=value["content"])
        )

    def change_thread(self, value):
        if value.get("title") is not None:
            self.thread.title = value["title"]
        if value.get("status") is not None:
            self.thread.status = read(ThreadStatus, value["status"])
        self.thread.metadata.update(value.get("metadata") or {})

    async def emit(self, number, kind, value):
        if kind == "thread":
            self.change_thread(value)
            return
        events = getattr(self, kind.replace(".", "_"))(number, value)
        if hasattr(events, "__aiter__"):
            async for event in events:
                yield event
        else:
            for event in events:
                yield event

    def done(self, number):
        item = self.items.pop(number)
        if isinstance(item, AssistantMessageItem):
            yield self.update(
                item, AssistantMessageContentPartDone(content_index=0, content=item.content[0].model_copy(deep=True))
            )
        yield ThreadItemDoneEvent(item=item)


async def play(script, thread, store, context):
    steps, says_so = script
    turn = Turn(thread, store, context)
    if says_so:
        steps = [*steps, ["done", 1]]
    for step in steps:
        name, arguments = step[0], step[1:]
        if name == "text":
            for event in turn.text(*arguments):
                yield event
        elif name == "emit":
            async for event in turn.emit(*arguments):
                yield event
        elif name == "done":
            for event in turn.done(*arguments):
                yield event
        elif name == "wait":
            await asyncio.sleep(arguments[0] / 1000)
        elif name == "finish":
            if arguments[0] < 0:
                raise Failure(arguments[1])
            return
        else:
            raise Failure(f"the reference's agent has no step {name}")
