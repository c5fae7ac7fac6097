#!/usr/bin/env python3
"""An activity worker that counts words. Python 3.8 or later, and nothing but its standard library.

    ESCAPEMENT_URL=http://127.0.0.1:3000 python3 worker.py

It asks for a task for up to a minute at a time, says every second that it still works on it, and answers. When it is
killed, the heartbeats stop; the state's HeartbeatSeconds notice, and its Retry offers the task to another worker.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter

URL = os.environ.get("ESCAPEMENT_URL", "http://127.0.0.1:3000").rstrip("/")
KEY = os.environ.get("ESCAPEMENT_API_KEY")
ACTIVITY = "count-words"
NAME = os.environ.get("WORKER_NAME", f"{socket.gethostname()[:60]}-{os.getpid()}")
# The answer to a poll may take this long, and a little.
WAIT_SECONDS = 60
BEAT_SECONDS = 1.0

working = threading.Event()
stopping = threading.Event()


def stop(*_):
    """A task is finished first. A poll is given up at once: the service gives no task to who has gone."""
    stopping.set()
    if not working.is_set():
        sys.exit(0)


class BadText(Exception):
    """Its name is the error that Retry and Catch of the definition look at."""


def count_words(task, task_is_mine):
    """The work itself. Looks now and then whether anybody still waits for it."""
    text = task.get("text")
    if not isinstance(text, str):
        raise BadText("text must be a string")
    # As if it were much work.
    until = time.monotonic() + task.get("seconds", 0)
    while time.monotonic() < until and task_is_mine.is_set():
        time.sleep(0.05)
    words = Counter(text.lower().split())
    return {"words": sum(words.values()), "most": words.most_common(3), "by": NAME}


def call(method, path, body=None, timeout=30):
    """Answers the status and the JSON of the answer, if it has any. Raises OSError when nobody can be reached."""
    request = urllib.request.Request(
        URL + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            **({} if body is None else {"content-type": "application/json"}),
            **({} if KEY is None else {"authorization": f"Bearer {KEY}"}),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            text = response.read()
            return response.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


def call_until_answered(method, path, body=None):
    """As call, again and again while the service is away or says 503."""
    pause = 0.1
    while True:
        try:
            status, answer = call(method, path, body)
            if status < 500:
                return status, answer
            reason = status
        except OSError as error:
            reason = error
        print(f"{method} failed ({reason}); trying again", file=sys.stderr)
        time.sleep(pause)
        pause = min(pause * 2, 5)


def token_path(token, what):
    return f"/task-tokens/{urllib.parse.quote(token, safe='')}/{what}"


def keep_beating(token, task_is_mine, done):
    """404 and 409 say that nobody waits for this task any more: its time is up, or its execution has ended."""
    while not done.wait(BEAT_SECONDS):
        try:
            status, _ = call("POST", token_path(token, "heartbeat"), timeout=5)
        except OSError:
            continue  # the next beat may get through
        if status in (404, 409):
            task_is_mine.clear()
            return


def work_on(token, task):
    task_is_mine = threading.Event()
    task_is_mine.set()
    done = threading.Event()
    beats = threading.Thread(target=keep_beating, args=(token, task_is_mine, done), daemon=True)
    beats.start()
    try:
        what, body = "success", {"output": count_words(task, task_is_mine)}
    except Exception as error:  # whatever it is, the workflow decides what follows
        what, body = "failure", {"error": type(error).__name__, "cause": str(error)}
    finally:
        done.set()
        beats.join()
    status, _ = call_until_answered("POST", token_path(token, what), body)
    print(f"{what}: {status}", flush=True)


def main():
    signal.signal(signal.SIGTERM, stop)
    status, _ = call_until_answered("POST", "/activities", {"name": ACTIVITY})
    if status not in (200, 201):
        sys.exit(f"the activity cannot be created: {status}")
    print(f"{NAME} polls {URL}", flush=True)
    query = urllib.parse.urlencode({"wait": WAIT_SECONDS, "workerName": NAME})
    while not stopping.is_set():
        try:
            status, answer = call("GET", f"/activities/{ACTIVITY}/task?{query}", timeout=WAIT_SECONDS + 15)
        except OSError as error:
            print(f"the poll failed ({error}); trying again", file=sys.stderr)
            time.sleep(1)
            continue
        if status == 200:
            working.set()
            print("took a task", flush=True)
            work_on(answer["taskToken"], answer["input"])
            working.clear()
        elif status != 204:
            print(f"the poll was answered {status}; trying again", file=sys.stderr)
            time.sleep(1)


if __name__ == "__main__":
    main()
