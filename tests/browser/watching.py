"""Listening to what a page says and asks for."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Page, Request, Response


def watch(page: Page, url: str, complaints: list[str]) -> None:
    """From now on, add to `complaints` what the page's console warns of, what it asks from elsewhere than the site at
    `url`, and what it asks for in vain. That the page itself is a refusal is none."""

    def asked(request: Request) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            complaints.append(f"asked for {request.url}")

    def answered(response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            complaints.append(f"{response.status} {response.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            complaints.append(f"{message.type}: {message.text}")

    page.on("request", asked)
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url} {request.failure}"))
    page.on("response", answered)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", said)
