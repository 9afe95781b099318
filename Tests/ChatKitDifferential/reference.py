"""The reference: the package `openai-chatkit` behind a small web server, with a store in memory and the scripted agent of
player.py. Prints where it listens. Errors are left to the package and the web framework, as its users get them.
"""

import copy
import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    ClientToolCallItem,
    Page,
    StructuredInputItem,
    SyncCustomActionResponse,
    ThreadMetadata,
    WidgetItem,
)

import player


class MemoryStore(Store[dict]):
    """Threads and items in the order they were stored; a user sees only their own."""

    def __init__(self):
        self.users = {}

    def _threads(self, context):
        return self.users.setdefault(context["user"], {})

    def _thread(self, thread_id, context):
        try:
            return self._threads(context)[thread_id]
        except KeyError:
            raise NotFoundError(f"there is no thread {thread_id}") from None

    @staticmethod
    def _page(elements, after, limit, order):
        elements = list(elements) if order == "asc" else list(reversed(elements))
        if after is not None:
            position = [element.id for element in elements].index(after)  # a ValueError is the reference's refusal
            elements = elements[position + 1 :]
        page = [copy.deepcopy(element) for element in elements[:limit]]
        has_more = len(elements) > limit
        return Page(data=page, has_more=has_more, after=page[-1].id if has_more else None)

    async def load_thread(self, thread_id, context):
        return copy.deepcopy(self._thread(thread_id, context)["thread"])

    async def save_thread(self, thread, context):
        entry = self._threads(context).setdefault(thread.id, {"items": {}})
        entry["thread"] = ThreadMetadata(**thread.model_dump(exclude={"items"}))

    async def load_thread_items(self, thread_id, after, limit, order, context):
        # The package's own tests demand an empty page for a thread that is not there.
        items = self._threads(context).get(thread_id, {"items": {}})["items"]
        return self._page(items.values(), after, limit, order)

    async def load_threads(self, limit, after, order, context):
        threads = [entry["thread"] for entry in self._threads(context).values()]
        return self._page(threads, after, limit, order)

    async def add_thread_item(self, thread_id, item, context):
        self._thread(thread_id, context)["items"][item.id] = copy.deepcopy(item)

    save_item = add_thread_item

    async def load_item(self, thread_id, item_id, context):
        try:
            return copy.deepcopy(self._thread(thread_id, context)["items"][item_id])
        except KeyError:
            raise NotFoundError(f"there is no item {item_id}") from None

    async def delete_thread(self, thread_id, context):
        self._threads(context).pop(thread_id, None)

    async def delete_thread_item(self, thread_id, item_id, context):
        self._thread(thread_id, context)["items"].pop(item_id, None)

    async def save_attachment(self, attachment, context):
        raise NotFoundError("there are no attachments")

    async def load_attachment(self, attachment_id, context):
        raise NotFoundError("there are no attachments")

    async def delete_attachment(self, attachment_id, context):
        pass


class ScriptedServer(ChatKitServer[dict]):
    async def respond(self, thread, input_user_message, context):
        cause = input_user_message
        if cause is None:
            newest = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
            answered = (ClientToolCallItem, StructuredInputItem)
            cause = next((item for item in newest.data if isinstance(item, answered)), None)
        async for event in player.play(player.script_in(cause), thread, self.store, context):
            yield event

    async def action(self, thread, action, sender, context):
        async for event in player.play(player.script_in(action), thread, self.store, context):
            yield event

    async def sync_action(self, thread, action, sender, context):
        changed = None
        async for event in player.play(player.script_in(action), thread, self.store, context):
            if event.type in ("thread.item.done", "thread.item.replaced") and isinstance(event.item, WidgetItem):
                changed = event.item
                await self.store.save_item(thread.id, changed, context)
        return SyncCustomActionResponse(updated_item=changed)


def application():
    server = ScriptedServer(MemoryStore())

    async def chatkit(request):
        context = {"user": request.headers.get("x-user-id", "anonymous")}
        result = await server.process(await request.body(), context)
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(content=result.json, media_type="application/json")

    return Starlette(routes=[Route("/chatkit", chatkit, methods=["POST"])])


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(application(), log_level="critical", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
