# Copyright The Heddle Authors
# SPDX-License-Identifier: Apache-2.0
"""Tells `heddle diff ansible` what a run in check mode finds, as one JSON object a line in `events.jsonl` beside this file.

Nothing secret leaves this process: what comes from a vault is hidden wherever it stands, also where a worker decrypts it.
Tasks that would really run end the run before they do; `allowed.json` beside this file names those that may.

One file, however long: Ansible loads a callback from a single file, and imports nothing that lies beside it.
"""

from __future__ import annotations

import base64
import binascii
import collections
import fcntl
import functools
import hashlib
import html
import itertools
import json
import os
import re
import secrets
import struct
import traceback
import urllib.parse

import yaml
from ansible import __version__, constants as C
from ansible.executor.task_executor import TaskExecutor
from ansible.parsing.vault import VaultLib
from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase
from ansible.plugins.strategy import StrategyBase
from ansible.vars.manager import VariableManager

DOCUMENTATION = """
name: heddle_drift
type: stdout
short_description: what a run in check mode finds, for heddle
description: Writes events to a file beside itself, and prints nothing.
"""

HERE = os.path.dirname(os.path.abspath(__file__))

# What is told at most; the rest is counted.
MOST_EVENTS = 10_000
MOST_TEXT = 64 << 10
MOST_BYTES = 48 << 20
# Values shorter than this stand everywhere by chance.
SHORTEST = 4
# How deep static includes are followed.
MOST_INCLUDES = 500

# How often what is written in one form within another is taken out of it.
MOST_FORMS = 3
# Base64 may be broken into lines, which are long then; shorter runs of its letters are words.
BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{40,}\r?\n[ \t]*)*[A-Za-z0-9+/_-]{6,}={0,2}")
ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.S)
LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}

# These say that they changed something whenever they ran.
COMMANDS = ("command", "shell", "raw", "script", "expect", "win_command", "win_shell")
COLLECTIONS = ("ansible.builtin", "ansible.legacy", "ansible.windows", "community.general", "community.windows")
INCLUDES = ("include_tasks", "import_tasks", "include_role", "import_role", "include")
UNCHECKED = "it does not run in check mode"


def bare(action):
    """The name of an action without that of its collection."""
    return str(action).rsplit(".", 1)[-1]


def is_command(action):
    """Whether it says that it changed something whenever it ran; a module of another collection may bear the same name."""
    collection, _, name = str(action).rpartition(".")
    return name in COMMANDS and collection in ("",) + COLLECTIONS


def runs(check_mode):
    """Whether a task with this value runs for real. What is only known when it runs, may."""
    if isinstance(check_mode, str):
        return check_mode.strip().lower() not in ("yes", "on", "1", "true", "t", "y")
    return check_mode is not None and not check_mode


def is_said(conditions):
    """Whether a task has any of these, as a list or, in a loop of newer versions, as one value."""
    return conditions is not None and conditions != []


def unescape(text):
    """The text without the backslashes of JSON, YAML, Python and shells."""

    def letter(match):
        code = match.group(1) or match.group(2)
        return chr(int(code, 16)) if code else LETTERS.get(match.group(3), match.group(3))

    # Letters above U+FFFF are named in two halves.
    return ESCAPED.sub(letter, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def views(text):
    """The text without one form of escapes, in each form that changes it."""
    found = {urllib.parse.unquote(text), urllib.parse.unquote_plus(text), html.unescape(text), unescape(text), unquote_shell(text)}
    found.discard(text)
    return found


def places(part, text):
    """Where a part stands in a text."""
    at = text.find(part)
    while at >= 0:
        yield at, at + len(part)
        at = text.find(part, at + len(part))


def joined(parts):
    """Parts that lie over each other become one, which is hidden as a whole."""
    found = []
    for start, end, value in sorted(parts, key=lambda part: (part[0], -part[1])):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end), None)
        else:
            found.append((start, end, value))
    return found


def unquote_shell(text):
    """The text without the quotes that a shell takes off."""
    return text.replace("'\"'\"'", "'").replace("'\\''", "'")


def decode(block):
    """What may be written in a run of base64; other letters may stand right before it."""
    letters = "".join(block.split()).rstrip("=").replace("-", "+").replace("_", "/")
    for start in range(min(4, len(letters))):
        part = letters[start:]
        # A rest of one letter holds no byte.
        part = part[: len(part) - (len(part) % 4 == 1)]
        try:
            yield base64.b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            continue


class Lenient(yaml.SafeLoader):
    """Reads YAML with tags of others, whose values are passed over."""


Lenient.add_multi_constructor("!", lambda loader, suffix, node: None)


def holds_template(value):
    if isinstance(value, dict):
        return any(holds_template(each) for each in value.values())
    if isinstance(value, (list, tuple)):
        return any(holds_template(each) for each in value)
    return isinstance(value, str) and ("{{" in value or "{%" in value)


class Secrets:
    """All that was decrypted, by this process or by one that it forked, and never on disk."""

    def __init__(self):
        self.salt = secrets.token_hex(16)
        self.values = set()
        self.forms = []
        self.read = 0
        self.all_hidden = False
        self.memory = os.memfd_create("heddle")
        fcntl.fcntl(self.memory, fcntl.F_SETFL, fcntl.fcntl(self.memory, fcntl.F_GETFL) | os.O_APPEND)
        original, record = VaultLib.decrypt_and_get_vault_id, self.record

        def decrypt_and_get_vault_id(self, *args, **kwargs):
            result = original(self, *args, **kwargs)
            record(result[0])
            return result

        VaultLib.decrypt_and_get_vault_id = decrypt_and_get_vault_id

    def record(self, plain):
        data = plain if isinstance(plain, bytes) else str(plain).encode("utf-8", "surrogateescape")
        # One write at the end of the memory is whole, whichever process makes it.
        os.write(self.memory, struct.pack(">Q", len(data)) + data)

    def add(self, value):
        value = str(value)
        if len(value.strip()) >= SHORTEST and value.lower() not in ("true", "false", "null", "none"):
            self.values.add(value)

    def add_text(self, text):
        """A decrypted value, or a decrypted file of which each value is one."""
        self.add(text)
        for line in text.splitlines():
            self.add(line.strip())
            value = line.partition(": ")[2] or line.strip().removeprefix("- ")
            self.add(value.strip().strip("'\""))
        try:
            self.add_all(yaml.load(text, Loader=Lenient))
        except Exception:
            # No YAML: its lines are known.
            pass

    def add_all(self, value):
        if isinstance(value, dict):
            for each in value.values():
                self.add_all(each)
        elif isinstance(value, (list, tuple)):
            for each in value:
                self.add_all(each)
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
            self.add(value)

    def refresh(self):
        size = os.fstat(self.memory).st_size
        before = len(self.values)
        while self.read < size:
            (length,) = struct.unpack(">Q", os.pread(self.memory, 8, self.read))
            data = os.pread(self.memory, length, self.read + 8)
            self.read += 8 + length
            self.add_text(data.decode("utf-8", "replace"))
        if len(self.values) != before or not self.forms:
            forms = {}
            for value in self.values:
                for form in (
                    value,
                    value.strip(),
                    json.dumps(value)[1:-1],
                    json.dumps(value, ensure_ascii=False)[1:-1],
                    base64.b64encode(value.encode("utf-8", "surrogateescape")).decode(),
                ):
                    if len(form) >= SHORTEST:
                        forms.setdefault(form, value)
            # The longest first, so that a value within another leaves no rest.
            self.forms = sorted(forms.items(), key=lambda form: -len(form[0]))

    def fingerprint(self, value):
        return "<secret %s>" % hashlib.sha256(("%s\0%s" % (self.salt, value)).encode("utf-8", "replace")).hexdigest()[:8]

    def hide(self, value):
        if isinstance(value, dict):
            return {self.hide(str(key)): self.hide(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.hide(each) for each in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            hidden = self.hide(str(value))
            return value if hidden == str(value) else hidden
        return self.hide_text(str(value))

    def hide_text(self, text):
        # What stands there as it is may hide another form of a value, as `%2520` does one that holds `%20`: once more without it.
        return self.hide_once(self.hide_once(text)) if self.forms else text

    def hide_once(self, text):
        """Everything is found in the text as it stands: a value that is taken out first may be a part of another one."""
        hidden = [(start, end, whole) for form, whole in self.forms for start, end in places(form, text)]
        # The longest form of those that begin at one place, and none that lies within another.
        hidden.sort(key=lambda part: (part[0], -part[1]))
        longest = []
        for part in hidden:
            if not longest or part[0] >= longest[-1][1]:
                longest.append(part)
            elif part[1] > longest[-1][1]:
                longest[-1] = (longest[-1][0], part[1], None)
        runs = (block.span() for block in BASE64.finditer(text) if self.run_holds(block.group(), MOST_FORMS - 1))
        whole = [(start, end, None) for start, end in itertools.chain(runs, self.lines(text))]
        told, at = [], 0
        for start, end, value in joined(longest + whole):
            told += [text[at:start], self.fingerprint(text[start:end] if value is None else value)]
            at = end
        return "".join(told) + text[at:]

    def lines(self, text):
        """Where lines stand in which one is written otherwise: what of it is the value cannot be told."""
        if not any(mark in text for mark in "%&\\'+"):
            return
        start = 0
        for line in text.splitlines(keepends=True):
            bare = line.strip()
            begins = start + len(line) - len(line.lstrip())
            start += len(line)
            known = self.counted(bare)
            if any(self.holds(view, known, bare, MOST_FORMS - 1) for view in views(bare)):
                yield begins, begins + len(bare)

    def counted(self, text):
        counts = collections.Counter()
        for form, whole in self.forms:
            if form in text:
                counts[whole] += text.count(form)
        return counts

    def holds(self, text, known, judged, depth):
        """Whether a value stands in a text more often than is known; runs of base64 in `judged` are judged by themselves."""
        if any(count > known[whole] for whole, count in self.counted(text).items()):
            return True
        if depth == 0:
            return False
        if any(self.holds(view, known, judged, depth - 1) for view in views(text)):
            return True
        return any(self.run_holds(block, depth - 1) for block in BASE64.findall(text) if block not in judged)

    def run_holds(self, block, depth):
        """Whether a value is written in a run of base64 that is not a value's form by itself."""
        is_form = any(form == block for form, _ in self.forms)
        return not is_form and any(self.holds(text, collections.Counter(), "", depth) for text in decode(block))


SECRETS = Secrets()


class Failures:
    """Notes that a module failed, which `failed_when` then takes for no failure."""

    KEY = "heddle_module_failed"

    @classmethod
    def note(cls):
        original = ActionBase._execute_module

        @functools.wraps(original)
        def _execute_module(self, *args, **kwargs):
            result = original(self, *args, **kwargs)
            if isinstance(result, dict) and (result.get("failed") or result.get("rc") not in (None, 0, "0")):
                result[cls.KEY] = True
            return result

        ActionBase._execute_module = _execute_module

    @classmethod
    def is_let_pass(cls, task, one):
        marks = (cls.KEY, "failed_when_suppressed_exception", "exception")
        return is_said(task.failed_when) and not one.get("failed") and any(one.get(mark) for mark in marks)


Failures.note()


class Uncounted:
    """Notes what a task would change, which `changed_when` then does not count."""

    KEY = "heddle_changed"

    @classmethod
    def note(cls):
        original = TaskExecutor._get_action_handler_with_module_context

        @functools.wraps(original)
        def _get_action_handler_with_module_context(self, *args, **kwargs):
            found = original(self, *args, **kwargs)
            run = found[0].run

            def noted(*args, **kwargs):
                result = run(*args, **kwargs)
                if isinstance(result, dict) and result.get("changed"):
                    result[cls.KEY] = True
                return result

            found[0].run = noted
            return found

        TaskExecutor._get_action_handler_with_module_context = _get_action_handler_with_module_context

    @classmethod
    def is_let_pass(cls, task, one):
        return is_said(task.changed_when) and bool(one.get(cls.KEY)) and not one.get("changed") and not is_command(task.action)


Uncounted.note()


class Marks:
    """Keeps our notes out of what a task registers: a file made of all of that would differ by them alone."""

    KEYS = (Failures.KEY, Uncounted.KEY)

    @classmethod
    def keep_out(cls):
        original = VariableManager.set_nonpersistent_facts

        @functools.wraps(original)
        def set_nonpersistent_facts(self, host, facts):
            return original(self, host, {name: cls.without(value) for name, value in facts.items()})

        VariableManager.set_nonpersistent_facts = set_nonpersistent_facts

    @classmethod
    def without(cls, result):
        if not isinstance(result, dict):
            return result
        inner = result.get("results")
        if any(key in result for key in cls.KEYS) or cls.holds_any(inner):
            # The callback still reads the other one.
            result = result.copy()
            for key in cls.KEYS:
                result.pop(key, None)
            if cls.holds_any(inner):
                result["results"] = [cls.without(one) for one in inner]
        return result

    @classmethod
    def holds_any(cls, results):
        return isinstance(results, list) and any(isinstance(one, dict) and any(key in one for key in cls.KEYS) for one in results)


Marks.keep_out()


class Endings:
    """Tells the callback of each `meta: end_…` that took effect: Ansible tells only of those that did not."""

    callback = None
    was_skipped = False

    @classmethod
    def note(cls):
        original = StrategyBase._execute_meta

        @functools.wraps(original)
        def _execute_meta(self, task, play_context, iterator, target_host):
            cls.was_skipped = False
            results = original(self, task, play_context, iterator, target_host)
            action = str((task.args or {}).get("_raw_params") or "")
            if action.startswith("end_") and not cls.was_skipped and cls.callback is not None:
                cls.callback.ended(task, target_host, action)
            return results

        StrategyBase._execute_meta = _execute_meta


Endings.note()


def whole_or_none(method):
    """Ends the run where we fail: Ansible would pass over it, and what is not told would count as the same."""

    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            # Its own words may hold a secret.
            self.file.write(json.dumps({"event": "broken", "reason": "%s at line %d" % (type(error).__name__, last.lineno)}) + "\n")
            self.file.flush()
            os._exit(71)

    return guarded


class CallbackModule(CallbackBase):
    """Writes what the run finds."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "heddle_drift"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.file = open(os.path.join(HERE, "events.jsonl"), "a", encoding="utf-8")
        with open(os.path.join(HERE, "allowed.json"), encoding="utf-8") as allowed:
            self.allowed = set(json.load(allowed))
        self.count = 0
        self.bytes = 0
        self.more = 0
        self.read_files = set()
        self.learned = set()
        # Variables that were made of whether it is a check, and tasks that hang on it.
        self.tainted = set()
        self.hanging = {}
        # Arguments as they are written: a result has them filled in.
        self.written = {}
        Endings.callback = self

    # What is written.

    def write(self, event, **members):
        SECRETS.refresh()
        line = json.dumps({"event": event, **SECRETS.hide(members)}, ensure_ascii=True)
        is_finding = event in ("changed", "failed", "unreachable", "not-checked")
        if is_finding and (self.count >= MOST_EVENTS or self.bytes + len(line) > MOST_BYTES):
            self.more += 1
            return
        self.count += 1
        self.bytes += len(line)
        self.file.write(line + "\n")
        self.file.flush()

    def stop(self, tasks, when):
        """Ends the run at once: an exception of a callback would be passed over."""
        self.write("refused", tasks=tasks, when=when)
        os._exit(70)

    # Before anything runs.

    @whole_or_none
    def v2_playbook_on_start(self, playbook):
        self.loader = playbook._loader
        self.write("start", version=__version__)
        self.learn_files()
        self.look_at_tags()
        refused = []
        for play in playbook.get_plays():
            for block in play.compile():
                self.look_at_block(block, refused)
            for block in play.handlers:
                self.look_at_block(block, refused)
        if refused:
            self.stop(refused, "before")

    def look_at_tags(self):
        """Settings may leave out tasks by their tags."""
        from ansible import context

        if tuple(context.CLIARGS.get("tags") or ("all",)) != ("all",) or context.CLIARGS.get("skip_tags"):
            reason = "settings choose tasks by their tags, and leave others out"
            self.write("not-checked", host="every host", task="Some tasks", path=None, reason=reason)

    def look_at_block(self, block, refused):
        for task in list(block.block) + list(block.rescue) + list(block.always):
            if hasattr(task, "block"):
                self.look_at_block(task, refused)
                continue
            self.look_at(task, refused)
            if bare(task.action) in ("include_tasks", "include_role", "include"):
                self.look_at_include(task, refused)

    def look_at(self, task, refused):
        if runs(task.check_mode) and bare(task.action) != "meta" and not self.may_run(task):
            refused.append({"name": task.get_name().strip(), "path": self.path(task)})

    def may_run(self, task):
        return task.get_name().strip() in self.allowed or (task.name or "") in self.allowed

    def look_at_include(self, task, refused):
        """Reads what an include brings whose name is fixed, as far as it can be found."""
        source = (self.path(task) or "").rpartition(":")[0]
        name = task.get_name().strip()
        is_allowed = self.may_run(task)
        self.look_at_brought(bare(task.action), dict(task.args or {}), task.loop, source, (name, is_allowed), refused)

    def look_at_brought(self, action, args, loop, source, named, refused):
        """What an include or an import brings: its own `apply`, and each file that it names, in a loop over fixed names too."""
        name, is_allowed = named
        apply = args.get("apply")
        if isinstance(apply, dict) and runs(apply.get("check_mode")) and not is_allowed:
            refused.append({"name": name, "path": source})
        key = ("name", "role") if action in ("include_role", "import_role") else ("_raw_params", "file")
        wanted = str(next((args[each] for each in key if args.get(each)), ""))
        for one in self.filled_in(wanted, loop):
            if action in ("include_role", "import_role"):
                self.look_at_role(one, str(args.get("tasks_from") or "main"), source, refused)
            else:
                roots = (os.path.dirname(source), self.loader.get_basedir())
                self.look_at_first([os.path.join(root, one) for root in roots], refused)

    def filled_in(self, name, loop):
        """The names that stand for a name, where all of them are fixed."""
        if not isinstance(loop, (list, tuple)) or any(not isinstance(each, str) for each in loop):
            loop = ()
        all_of_it = [re.sub(r"\{\{\s*item\s*\}\}", lambda _: str(each), name) for each in loop] or [name]
        return [each for each in all_of_it if each and not holds_template(each)]

    def look_at_role(self, name, main, source, refused):
        main = main if main.endswith((".yml", ".yaml")) else "%s.yml" % main
        here = os.path.dirname(source)
        roots = [os.path.join(self.loader.get_basedir(), "roles"), os.path.join(here, "..", ".."), self.loader.get_basedir()]
        roots += [os.path.expanduser(str(each)) for each in C.DEFAULT_ROLES_PATH or ()]
        folder = next((os.path.join(root, name) for root in roots if os.path.isdir(os.path.join(root, name, "tasks"))), None)
        if folder is None:
            return
        self.look_at_first([os.path.join(folder, "tasks", main)], refused)
        self.look_at_first([os.path.join(folder, "handlers", "main.yml")], refused)
        # What it depends on runs before it.
        for one in self.read_raw(os.path.join(folder, "meta", "main.yml"), "dependencies"):
            inner = one.get("role") or one.get("name") if isinstance(one, dict) else one
            if isinstance(inner, str) and not holds_template(inner):
                self.look_at_role(inner, "main", os.path.join(folder, "tasks", main), refused)

    def read_raw(self, file, member):
        try:
            with open(file, encoding="utf-8") as source:
                read = yaml.load(source, Loader=Lenient)
        except Exception:
            return []
        found = read.get(member) if isinstance(read, dict) else None
        return found if isinstance(found, list) else []

    def look_at_first(self, files, refused):
        self.look_at_file(next((file for file in files if os.path.isfile(file)), None), refused)

    def look_at_file(self, file, refused):
        # Each once: a file may include itself.
        if file is None or os.path.realpath(file) in self.read_files or len(self.read_files) >= MOST_INCLUDES:
            return
        self.read_files.add(os.path.realpath(file))
        try:
            with open(file, encoding="utf-8") as source:
                # Not by Ansible's own loader: it would keep what it read here for the run.
                tasks = yaml.load(source, Loader=Lenient)
        except Exception:
            # Whoever includes it says what is wrong with it.
            return
        self.look_at_raw(tasks, file, refused)

    def look_at_raw(self, tasks, file, refused):
        for task in tasks if isinstance(tasks, list) else []:
            if not isinstance(task, dict):
                continue
            name = str(task.get("name") or next((key for key in task if bare(key) not in ("when", "check_mode")), ""))
            if runs(task.get("check_mode")) and name not in self.allowed:
                refused.append({"name": name, "path": file})
            for part in ("block", "rescue", "always"):
                self.look_at_raw(task.get(part), file, refused)
            for key, value in task.items():
                if bare(key) in INCLUDES and isinstance(value, (dict, str)):
                    args = dict(value) if isinstance(value, dict) else {"_raw_params": value}
                    args.update(task["args"] if isinstance(task.get("args"), dict) else {})
                    loop = task.get("loop", task.get("with_items"))
                    self.look_at_brought(bare(key), args, loop, file, (name, name in self.allowed), refused)

    # What is secret.

    def learn_files(self):
        """Decrypts anew what was decrypted before this file was read: extra variables, and variables of the inventory."""
        if not getattr(self.loader, "_vault", None) or not self.loader._vault.secrets:
            return
        from ansible import context

        extra = [str(each)[1:] for each in context.CLIARGS.get("extra_vars") or () if str(each).startswith("@")]
        cache = getattr(self.loader, "_FILE_CACHE", None)
        if cache is None:
            SECRETS.all_hidden = True
        for file in extra + [str(each) for each in cache or ()]:
            try:
                with open(file, "rb") as source:
                    if source.read(14) == b"$ANSIBLE_VAULT":
                        source.seek(0)
                        self.loader._vault.decrypt(source.read())
            except OSError:
                SECRETS.all_hidden = True

    def learn_variables(self, play):
        """Each value of a host that is a secret by itself or by its name."""
        # A play in batches begins with each of them.
        if play._uuid in self.learned:
            return
        self.learned.add(play._uuid)
        manager = play.get_variable_manager()
        for host in manager._inventory.get_hosts(play.hosts, ignore_restrictions=True):
            self.learn(manager.get_vars(play=play, host=host), set())

    def learn(self, value, seen):
        if id(value) in seen:
            return
        seen.add(id(value))
        kind = type(value).__name__
        if kind in ("AnsibleVaultEncryptedUnicode", "EncryptedString", "_EncryptedString"):
            try:
                SECRETS.add_text(str(value))
            except Exception:
                # Without its password it cannot be told either.
                pass
        elif isinstance(value, dict):
            for name, each in value.items():
                if str(name).startswith("ansible_") and "pass" in str(name) and isinstance(each, str) and "{{" not in each:
                    SECRETS.add(each)
                self.learn(each, seen)
        elif isinstance(value, (list, tuple)):
            for each in value:
                self.learn(each, seen)

    # What the run finds.

    @whole_or_none
    def v2_playbook_on_play_start(self, play):
        self.play = play
        self.learn_variables(play)
        self.write("play", name=play.get_name().strip())

    @whole_or_none
    def v2_playbook_on_no_hosts_matched(self):
        self.write("no-hosts", name=self.play.get_name().strip())

    @whole_or_none
    def v2_playbook_on_task_start(self, task, is_conditional):
        self.written[task._uuid] = dict(task.args or {})
        refused = []
        self.look_at(task, refused)
        if refused:
            self.stop(refused, "at run time")

    @whole_or_none
    def v2_playbook_on_handler_task_start(self, task):
        self.v2_playbook_on_task_start(task, False)

    @whole_or_none
    def v2_runner_on_ok(self, result):
        for one in self.parts(result):
            if one.get("skipped"):
                self.skipped(result, one)
                continue
            if self.is_censored(result) and not one.get("changed"):
                self.about(result, "not-checked", reason="`no_log` hides whether it would change something or failed")
                continue
            if one.get("changed"):
                self.changed(result, one)
            if Uncounted.is_let_pass(self.task(result), one):
                self.about(result, "not-checked", reason="it would change something, which `changed_when` does not count")
            elif Failures.is_let_pass(self.task(result), one):
                self.about(result, "not-checked", reason="it failed, and `failed_when` lets that pass")
            elif not one.get("changed"):
                self.same(result)

    def is_censored(self, result):
        """Whether what `changed_when` or `failed_when` let pass was taken out of the result before we see it."""
        task = self.task(result)
        is_let = is_said(task.changed_when) or is_said(task.failed_when)
        return bool(self.whole(result).get("censored")) and is_let and not is_command(task.action)

    @whole_or_none
    def v2_runner_on_skipped(self, result):
        Endings.was_skipped = True
        for one in self.parts(result):
            self.skipped(result, one)

    @whole_or_none
    def v2_runner_on_failed(self, result, ignore_errors=False):
        whole, parts = self.whole(result), self.parts(result)
        for one in parts:
            if one.get("skipped"):
                self.skipped(result, one)
            elif one.get("changed") and not one.get("failed"):
                self.changed(result, one)
        failed = [one for one in parts if one.get("failed")] or [whole]
        message = "; ".join(str(one.get("msg") or one.get("reason") or "it failed") for one in failed)
        if whole.get("censored"):
            message = "it failed, and no_log hides why"
        if ignore_errors:
            self.about(result, "not-checked", reason="it failed, which is ignored: %s" % self.cut(message))
        else:
            self.about(result, "failed", reason=self.cut(message))

    @whole_or_none
    def v2_runner_on_unreachable(self, result):
        self.about(result, "unreachable", reason=self.cut(str(self.whole(result).get("msg") or "unreachable")))

    @whole_or_none
    def v2_playbook_on_stats(self, stats):
        self.write("end", hosts=sorted(stats.processed), more=self.more)

    def skipped(self, result, one):
        condition = json.dumps(one.get("false_condition")) if "false_condition" in one else ""
        by_condition = (
            condition
            or "skipped_reason" in one
            or any(words in str(one.get("skip_reason", "")) for words in ("Conditional result was False", "conditional evaluated to False"))
        )
        task = self.task(result)
        conditions = condition + json.dumps([str(each) for each in task.when or ()])
        if by_condition and ("ansible_check_mode" in conditions or self.hangs(result, "when", "loop", "loop_with")):
            self.about(result, "not-checked", reason="its condition leaves it out of check mode")
        elif not by_condition:
            self.about(result, "not-checked", reason=self.cut(str(one.get("msg") or one.get("skip_reason") or UNCHECKED)))

    def same(self, result):
        """What a task says that changes nothing, unless it does something else when it is no check."""
        task = self.task(result)
        action = bare(task.action)
        if action == "set_fact":
            variables = None
            for name, value in self.written.get(task._uuid, {}).items():
                variables = variables or self.variables(result)
                if self.is_tainted(value, variables, set()):
                    self.tainted.add(str(name))
        elif self.hangs(result, "changed_when"):
            self.about(result, "not-checked", reason="what counts as a change hangs on whether it is a check")
        elif action not in ("debug", "assert", "meta", "include_vars") + INCLUDES and self.hangs(result, "args"):
            self.about(result, "not-checked", reason="what it does hangs on whether it is a check")

    @whole_or_none
    def ended(self, task, host, action):
        reason = "`meta: %s` leaves out what comes after it" % action
        self.write("not-checked", host=host.get_name(), task=task.get_name().strip(), path=self.path(task), reason=reason)

    # What hangs on whether it is a check.

    def variables(self, result):
        host = getattr(result, "host", None) or result._host
        return self.play.get_variable_manager().get_vars(play=self.play, host=host, task=self.task(result))

    def hangs(self, result, *attributes):
        """Whether these parts of a task are made of `ansible_check_mode`, over any number of variables."""
        task = self.task(result)
        key = (task._uuid, attributes)
        if key not in self.hanging:
            written = {"args": self.written.get(task._uuid)}
            parts = [written.get(attribute, getattr(task, attribute, None)) for attribute in attributes]
            self.hanging[key] = self.is_tainted(parts, self.variables(result), set())
        return self.hanging[key]

    def is_tainted(self, value, variables, seen):
        if isinstance(value, dict):
            return any(self.is_tainted(each, variables, seen) for each in value.values())
        if isinstance(value, (list, tuple)):
            return any(self.is_tainted(each, variables, seen) for each in value)
        if not isinstance(value, str):
            return False
        words = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", value))
        if "ansible_check_mode" in words or words & self.tainted:
            return True
        for name in words - seen:
            seen.add(name)
            inner = variables.get(name)
            # A variable that is no template is what it is, whatever words stand in it.
            if holds_template(inner) and self.is_tainted(inner, variables, seen):
                return True
        return False

    def changed(self, result, one):
        task = self.task(result)
        if self.whole(result).get("censored") or one.get("censored") or task.no_log is True:
            hidden = "no_log"
        elif task.diff is False:
            hidden = "diff: false"
        elif SECRETS.all_hidden:
            hidden = "what came from a vault is not known"
        else:
            hidden = None
        item = None if hidden or "item" not in one else self.cut(self.text(one["item"]))
        differences = [] if hidden else self.differences(one.get("diff"), self.place(task, one))
        self.about(result, "changed", hidden=hidden, item=item, differences=differences)

    def place(self, task, one):
        """The file that a result is about, as far as it says so."""
        used = (one.get("invocation") or {}).get("module_args") or {}
        asked = [used.get("dest"), used.get("path"), (task.args or {}).get("dest"), (task.args or {}).get("path")]
        found = one.get("dest") or one.get("path") or next((each for each in asked if each), None)
        return found if found and "{{" not in str(found) else None

    def differences(self, diff, place):
        found = []
        for one in diff if isinstance(diff, list) else [diff]:
            if not isinstance(one, dict):
                continue
            # What stands after may come from a file that is there for the run alone.
            header = str(one.get("before_header") or place or "")
            after = str(one.get("after_header") or "")
            header = header or ("" if after.startswith(C.DEFAULT_LOCAL_TMP) else after)
            before, after = one.get("before"), one.get("after")
            if isinstance(before, dict) and isinstance(after, dict):
                for name in sorted(set(before) | set(after), key=str):
                    if before.get(name) != after.get(name):
                        found.append(self.difference(str(name), before.get(name), after.get(name)))
            elif "prepared" in one:
                found.append(self.difference(header, None, one["prepared"]))
            elif before != after:
                found.append(self.difference(header, before, after))
        return found

    def difference(self, path, live, desired):
        # Cut after hiding, so that no half of a secret is left.
        SECRETS.refresh()
        sides = [None if value in (None, "") else self.text(value) for value in (live, desired)]
        told = [side and SECRETS.hide(side) for side in sides]
        if all(sides) and told != sides:
            # Where one side holds a secret, the other may hold what it was before, or was changed to, which nobody told us.
            told = [SECRETS.fingerprint(side) for side in sides]
        told = [side and self.cut(side) for side in told]
        return {"path": path, "live": told[0], "desired": told[1]}

    # Small things.

    def about(self, result, event, **members):
        if SECRETS.all_hidden and "reason" in members:
            members["reason"] = "why is hidden: what came from a vault is not known"
        task = self.task(result)
        host = getattr(result, "host", None) or result._host
        self.write(event, host=host.get_name(), task=task.get_name().strip(), path=self.path(task), **members)

    def task(self, result):
        return getattr(result, "task", None) or result._task

    def whole(self, result):
        return getattr(result, "result", None) or result._result

    def parts(self, result):
        """The result, or those of its loop."""
        whole = self.whole(result)
        parts = whole.get("results")
        if isinstance(parts, list) and parts and all(isinstance(one, dict) for one in parts) and self.task(result).loop is not None:
            return parts
        return [whole]

    def path(self, task):
        path = task.get_path()
        return path if path else None

    def text(self, value):
        return value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)

    def cut(self, text):
        return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"
