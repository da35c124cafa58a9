"""An S3-compatible server in a process of its own (moto's), and its buckets."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from frontend import DEADLINE

KEY = {"AWS_ACCESS_KEY_ID": "cellblock-tests", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_REGION": "us-east-1"}


@dataclass(frozen=True)
class Bucket:
    """Where sessions go: the URL for the policy, and what the environment has to say of it."""

    name: str
    env: dict[str, str]

    @property
    def url(self) -> str:
        return f"s3://{self.name}/kept"

    def keys(self) -> list[str]:
        """The names of all objects, as the server lists them."""
        names: list[str] = []
        after = ""
        while True:
            url = f"{self.env['AWS_ENDPOINT_URL']}/{self.name}?list-type=2&start-after={after}"
            with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                page = re.findall(r"<Key>(.*?)</Key>", answer.read().decode())
            if not page:
                return names
            names += page
            after = page[-1]


class Server:
    """moto's server on a port that the system chose."""

    def __enter__(self) -> Server:
        self._numbers = itertools.count(1)
        self._process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        said = []
        for line in self._process.stderr:
            said.append(line)
            if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", line):
                self.url = found[1]
                break
        else:
            raise AssertionError("the S3 server did not start: " + "".join(said))
        # Its log of requests has to go somewhere, or it stops when the pipe is full.
        threading.Thread(target=self._process.stderr.read, daemon=True).start()
        self._await()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=DEADLINE)

    def bucket(self) -> Bucket:
        name = f"sessions-{next(self._numbers)}"
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT"), timeout=DEADLINE).close()
        return Bucket(name, {**KEY, "AWS_ENDPOINT_URL": self.url, "AWS_ALLOW_HTTP": "true"})

    def _await(self) -> None:
        """Until it answers: it says that it runs before it listens."""
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=DEADLINE).close()
                return
            except (ConnectionError, urllib.error.URLError):
                if time.monotonic() > deadline:
                    raise
