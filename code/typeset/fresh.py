"""Which pages are written: those whose file does not show what it would show now.

What a page shows is a function of its resolved tree (text, results, references with their titles
and numbers), the frame around it (menu, neighbours, style sheets), its pictures, the code that
writes it and the settings. The digest of all that is kept beside the pages, in ``.pages.json`` of
the folder of a form, together with digests of the files that were written. So no form of the book
knows less because another one was built, an interrupted build leaves no digest behind, and a file
that was changed by hand is written again.

To resolve every page takes seconds. So each page has a second digest, its *key*: of everything
that resolving it could ask (the tree as it was read, and what the environment knows of the whole
book). Only a page with a new key is resolved and compared.

A domain may narrow what counts as asked: with a method ``shown_on(docname)`` it says what of its
data that page shows; of other domains all data count. An extension may do the same for what it
keeps in the environment: ``"shown_on"`` in the metadata that its ``setup`` returns, the name of an
attribute to a function of the application and the page. In the same place it says which of its
files make pages: ``"renderers"``, paths below its package; all files where nothing is said, and an
empty list where it takes no part. Whatever code takes part in reading is the version of the
environment: an edit there makes Sphinx read all pages again.
"""

import gc
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util._files import FilenameUniqDict

from . import search
from .digests import digest, of_file, tree

logger = logging.getLogger(__name__)

MEMORY = ".pages.json"
FORMS = ("html", "singlehtml", "text")
"""Builders of Sphinx that write a file for each page; others say ``one_file_per_page = True``."""

CLASSES = re.compile(r'class="([^"]*)"')
NOT_ASKED = {
    # The application, what is restored from it, and settings (these count by themselves).
    "events", "domains", "project", "config", "config_status", "config_status_extra", "settings",
    "version", "versioning_condition", "versioning_compare", "myst_config", "mystnb_config",
    # The state of reading, and what a later build needs to know of it.
    "current_document", "ref_context", "dependencies", "reread_always", "page_sources",
    "page_settings", "execution_sources", "nb_new_exec_data", "master_doctree", "typeset_kept",
    # Counted page by page, or as names only.
    "all_docs", "domaindata", "images", "dlfiles", "nb_metadata",
}
FRAME_ONLY = {"typeset_downloads", "html_static_path"}
"""Settings that nothing but the frame shows (a style sheet by its digest): they are seen there."""


# Code

def package_of(name: str) -> str:
    """The package of a module."""
    return name.partition(".")[0]


def is_ours(path: str | None) -> bool:
    """Whether a module is of the project: not installed, and not of Python."""
    apart = {sysconfig.get_path(kind) for kind in ("stdlib", "platlib", "purelib")}
    return bool(path) and not any(Path(path).is_relative_to(folder) for folder in apart)


def renderers(app) -> dict[str, list[Path]]:
    """The files of the project that make pages, by package."""
    found: dict[str, list[Path]] = {}
    for extension in app.extensions.values():
        module = extension.module
        if not is_ours(getattr(module, "__file__", None)):
            continue
        name = package_of(module.__name__)
        names, root = extension.metadata.get("renderers"), root_of(module)
        if names is not None:
            found[name] = [root / one for one in names]
        else:
            found[name] = [path for path in [root, *sorted(root.rglob("*"))]
                           if path.is_file() and "__pycache__" not in path.parts]
    return found


def root_of(module) -> Path:
    """The folder of a module's package, or the file of a module outside of packages."""
    top = sys.modules[package_of(module.__name__)]
    return Path(top.__file__).parent if getattr(top, "__path__", None) and top.__file__ else \
        Path(module.__file__)


def narrowed(app) -> dict:
    """What a page shows of attributes of the environment, where an extension says so."""
    return {name: shown_on for extension in app.extensions.values()
            for name, shown_on in extension.metadata.get("shown_on", {}).items()}


def installed() -> set[str]:
    """The packages that are installed, with their versions."""
    return {path.name for kind in ("purelib", "platlib")
            for path in Path(sysconfig.get_path(kind)).glob("*.dist-info")}


def set_version(app, config):
    """Whatever code takes part in reading is part of the version of what was read."""
    known = renderers(app)
    for extension in app.extensions.values():
        if known.get(package_of(extension.module.__name__)):
            root = root_of(extension.module)
            code = [root, *sorted(root.rglob("*.py"))]
            extension.metadata["env_version"] = digest([(one.name, of_file(one)) for one in code])


# Reading

def changed_sources(app, env, added, changed, removed):
    """Pages with a source, another file or a setting that differs, whatever the dates say."""
    if getattr(env, "page_settings", None) != settings_of(app.config):
        return sorted(env.found_docs)
    known, seen = getattr(env, "page_sources", {}), {}

    def differs(path, before):
        if path not in seen:
            seen[path] = of_file(path)
        return seen[path] != before

    return [name for name, (_, sources) in known.items() if name in env.found_docs
            and any(differs(path, before) for path, before in sources.items())]


def settings_of(config) -> str:
    """A digest of the settings that packages call settings of pages, and may ask while they read.

    The style of a bibliography is one: the directive keeps it.
    """
    return digest([(one.name, one.value) for one in config.filter("html")
                   if one.name not in FRAME_ONLY and not one.name.startswith("html_")])


def note_sources(app, env):
    """Keep the digests of what was just read; names of pictures do not depend on the past.

    Sphinx checks the book and keeps the environment only if a page is new, so it is told of the
    first page when another one is gone.
    """
    env.page_settings = settings_of(app.config)
    known, seen = getattr(env, "page_sources", {}), {}
    env.page_sources = {}
    for name, time in env.all_docs.items():
        if name in known and known[name][0] == time:
            env.page_sources[name] = known[name]
            continue
        paths = {str(env.doc2path(name)), *(str(env.srcdir / path)
                                            for path in env.dependencies.get(name, ()))}
        for path in paths - seen.keys():
            seen[path] = of_file(path)
        env.page_sources[name] = (time, {path: seen[path] for path in sorted(paths)})
    images, env.images = env.images, FilenameUniqDict()
    for path in sorted(images):
        for name in sorted(images[path][0]):
            env.images.add_file(name, path)
    return [env.config.root_doc] if known.keys() - env.all_docs.keys() else []


def without_counts(facts: dict) -> dict:
    """The metadata of a page without what MyST counts on it: words, and lines of headings."""
    facts = {name: value for name, value in facts.items() if name != "wordcount"}
    slugs = facts.get("myst_slugs", {})
    return facts | {"myst_slugs": {name: rest for name, (_, *rest) in slugs.items()}}


# Writing

class Fresh:
    """Mixed into a builder: writes the pages that show something new, removes what is no page's."""

    def _read_parallel(self, docnames, nproc):
        """A page alone is read here: to send the environment to another process takes longer."""
        if len(docnames) > 1:
            return super()._read_parallel(docnames, nproc)
        for docname in docnames:
            self.events.emit("env-purge-doc", self.env, docname)
            self.env.clear_doc(docname)
            self.read_doc(docname, _cache=False)
        return None

    def get_outdated_docs(self):
        """All pages are looked at, once they are read: see :meth:`write_documents`."""
        return "pages that show something new"

    def copy_assets(self):
        """Before anything is written: recall what the folder holds, and remove what is lost."""
        self.recall()
        self.sweep()
        super().copy_assets()

    def write_documents(self, docnames):
        """Write those of the pages whose file does not show what it would show now."""
        self.common = self.asked()
        self.keys = {name: self.key(name) for name in self.written_as_one(docnames)}
        self.news, self.resolved, self.compared = {}, {}, 0
        stale = {name for name, key in self.keys.items() if not self.is_fresh(name, key)}
        logger.info("pages: %d to write, %d resolved and found as they are",
                    len(stale), self.compared - len(self.resolved))
        self.forget(stale)
        if not stale:
            return
        # What was resolved to be compared is not resolved again: it would warn twice, and what
        # some extensions keep of a page (sphinxcontrib-bibtex its citations) would be there twice.
        resolve = self.env.get_and_resolve_doctree
        self.env.get_and_resolve_doctree = lambda name, *args, **how: (
            self.resolved[name][0] if name in self.resolved else resolve(name, *args, **how))
        try:
            super().write_documents(stale)
        finally:
            del self.env.get_and_resolve_doctree

    def written_as_one(self, docnames) -> Iterable[str]:
        """The pages, each a file."""
        return docnames

    def write_doc_serialized(self, docname, doctree):
        """Note what a page shows before it is written (this runs in the main process)."""
        _, shown = self.resolved.pop(docname, (None, None))
        shown = shown or self.shown(docname, doctree)
        found = self.name == "html" and "nosearch" not in self.env.metadata[docname]
        entries = search.entries(doctree) if found else []
        super().write_doc_serialized(docname, doctree)
        used = {self.images[node["uri"]]: node["uri"] for node in doctree.findall(nodes.image)
                if node.get("uri") in self.images}
        self.news[docname] = {
            "key": self.keys.get(docname), "shown": shown, "images": used,
            "search": entries}

    # What the folder holds.

    def recall(self):
        """Read what was kept of the last build; whether the folder is the builds' alone."""
        path = Path(self.outdir, MEMORY)
        try:
            self.memory = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            known = path.exists() or Path(self.outdir, ".buildinfo").exists()
            self.memory = {"alone": known or not any(self.files())}
        self.memory.setdefault("notebooks", {})
        pages = self.memory.setdefault("pages", {})
        self.memory["pages"] = {name: pages[name] for name in pages if name in self.env.found_docs}
        self.keep()

    def files(self) -> Iterator[Path]:
        """All files of the folder but the trees, which may lie in it."""
        for path in Path(self.outdir).rglob("*"):
            if path.is_file() and not path.is_relative_to(self.doctreedir):
                yield path

    def keep(self):
        """Write down what the folder holds."""
        path = Path(self.outdir, MEMORY)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(self.memory, ensure_ascii=False), encoding="utf-8")
        part.replace(path)

    def sweep(self):
        """Remove what no page holds; whatever belongs to all of them is made anew."""
        if not self.memory["alone"]:
            logger.info("nothing is removed from %s: it held other files at first", self.outdir)
            return
        held = [*self.memory["pages"].values(),
                *(one for name, one in self.memory["notebooks"].items()
                  if name in self.env.found_docs)]
        kept = {Path(self.outdir, name) for one in held for name in one["files"]}
        kept |= {self.page_path(name) for name in self.env.found_docs}
        kept |= {Path(self.outdir, name) for name in self.taken_along().values()}
        kept.add(Path(self.outdir, MEMORY))
        for path in list(self.files()):
            if path not in kept:
                path.unlink()
        for folder, _, _ in os.walk(self.outdir, topdown=False):
            if folder != str(self.outdir) and not os.listdir(folder):
                os.rmdir(folder)

    def forget(self, stale: set[str]):
        """Before pages are written, know nothing of them, and remove what only they showed."""
        pages = self.memory["pages"]
        lost = {name for one in stale & pages.keys() for name in pages[one]["files"]}
        pages.update({name: {"key": None, "files": {}} for name in stale})
        held = {name for page in pages.values() for name in page["files"]}
        for path in {Path(self.outdir, name) for name in lost - held}:
            if path not in map(self.page_path, self.env.found_docs):
                path.unlink(missing_ok=True)
        self.keep()

    def page_path(self, docname: str) -> Path:
        """The file of a page."""
        if hasattr(self, "get_output_path"):
            return Path(self.get_output_path(docname))
        return Path(self.outdir, docname + self.out_suffix)

    # What a page shows.

    def is_fresh(self, docname: str, key: str) -> bool:
        """Whether the file of a page shows what it would show now."""
        page = self.memory["pages"].get(docname)
        if not page or not page["key"] or any(
                of_file(Path(self.outdir, name)) != known for name, known in page["files"].items()):
            return False
        if any(self.picture(path) != (name, page["files"].get(f"{self.imagedir}/{name}"))
               for name, path in page["images"].items()):
            return False
        if page["key"] == key:
            return True
        if not self.shows_the_same(docname, page):
            return False
        page["key"] = key
        return True

    def shows_the_same(self, docname: str, page: dict) -> bool:
        """Resolve a page and compare; a page that warns is written, so that nothing is kept."""
        before = self._app._warncount
        self.compared += 1
        doctree = self.env.get_and_resolve_doctree(docname, self, tags=self.tags)
        shown = self.shown(docname, doctree)
        if shown == page["shown"] and self._app._warncount == before:
            return True
        self.resolved[docname] = doctree, shown
        return False

    def read_tree(self, docname: str) -> str | None:
        """A digest of a page as it was read."""
        return of_file(Path(self.doctreedir, f"{docname}.doctree"))

    def asked(self) -> dict:
        """What every page depends on: settings and surroundings, and all that it could ask."""
        config, app = self.config, self._app
        settings = {one.name: one.value for one in config.filter(frozenset({"env", "html"}))
                    if one.name not in FRAME_ONLY}
        own = {sys.modules[one.__module__].__file__ for base in (type(self), self.translator())
               for one in base.__mro__ if hasattr(sys.modules[one.__module__], "__file__")}
        code = {name: digest([(path.name, of_file(path)) for path in files])
                for name, files in renderers(app).items()}
        fixed = digest(sys.version, installed(), settings, sorted(self.tags),
                       [of_file(path) for path in sorted(filter(is_ours, own))])
        env = self.env
        book = {name: value for name, value in vars(env).items()
                if name not in NOT_ASKED | narrowed(app).keys() and not name.startswith("_")}
        book["included"] = {name: pages for name, pages in env.included.items() if pages}
        book["metadata"] = {name: without_counts(facts) for name, facts in env.metadata.items()}
        narrow = {domain.name for domain in env.domains.sorted() if hasattr(domain, "shown_on")}
        data = {name: value for name, value in env.domaindata.items() if name not in narrow}
        around = [path for folder in config.templates_path
                  for path in sorted(Path(self.confdir, folder).rglob("*"))]
        around += sorted(path for path in Path(self.outdir, "_static").rglob("*")
                         if path.suffix in (".css", ".js"))
        return {"fixed": fixed, "code": code, "all": digest(
            fixed, code, self.taken_along(), sorted(env.all_docs), book, data,
            [(path.name, of_file(path)) for path in around])}

    def taken_along(self) -> dict[str, str]:
        """Files that others put into the folder, by the name that the first page gives them."""
        return getattr(self.config, "typeset_downloads", {})

    def translator(self) -> type:
        """The class that writes the pages."""
        return self._registry.get_translator_class(self)

    def key(self, docname: str) -> str:
        """A digest of everything that resolving and writing a page could ask."""
        env = self.env
        own = dict(getattr(env, "nb_metadata", {}).get(docname, {}))
        own.pop("exec_data", None)  # times
        said = [domain.shown_on(docname) for domain in env.domains.sorted()
                if hasattr(domain, "shown_on")]
        said += [shown_on(self._app, docname) for shown_on in narrowed(self._app).values()]
        images = [(path, self.picture(path)) for path, (pages, _) in sorted(env.images.items())
                  if docname in pages]
        return digest(self.common["all"], self.read_tree(docname), own, said, images)

    def picture(self, path: str) -> tuple[str | None, str | None]:
        """Under which name a picture stands in the folder, and a digest of it."""
        found = self.env.images.get(path)
        return found and found[1], of_file(Path(self.srcdir, path))

    def shown(self, docname: str, doctree) -> str:
        """A digest of what a page shows, given its resolved tree."""
        handlers = self._registry.translation_handlers
        handlers = handlers.get(self.name) or handlers.get(self.format) or {}
        makers = {__name__}
        for kind in {type(node) for node in doctree.findall()}:
            makers.add(kind.__module__)
            makers |= {one.__module__ for one in handlers.get(kind.__name__, ()) if one}
        code = {name: self.common["code"].get(name) for name in map(package_of, makers)}
        pictures = {path for node in doctree.findall(nodes.image)
                    for path in [node.get("uri"), *node.get("candidates", {}).values()] if path}
        env = self.env
        return digest(
            self.common["fixed"], code, {path: self.picture(path) for path in pictures},
            self.frame(docname, doctree),
            tree(doctree, lines=self.name not in FORMS),
            env.toc_secnumbers.get(docname), env.toc_fignumbers.get(docname))

    def frame(self, docname: str, doctree) -> str:
        """What stands around the text of a page."""
        return ""

    # After the build.

    def note(self, warned: bool):
        """Keep what the pages that were written show; nothing of it where the build warned."""
        for docname, page in self.news.items():
            path = self.page_path(docname)
            files = [path, *(Path(self.outdir, self.imagedir, name) for name in page["images"])]
            files.append(Path(self.outdir, "_sources", self.source_name(docname)))
            page["files"] = {file.relative_to(self.outdir).as_posix(): of_file(file)
                             for file in files if file.is_file()}
            if self.name == "html":
                text = path.read_text(encoding="utf-8")
                page["classes"] = sorted({name for names in CLASSES.findall(text)
                                          for name in names.split()})
            if warned or not path.is_file():
                page["key"] = None
            self.memory["pages"][docname] = page
        self.news = {}
        self.keep()

    def source_name(self, docname: str) -> str:
        """What Sphinx calls the copy of a source."""
        name = str(self.env.doc2path(docname, base=False))
        suffix = self.config.html_sourcelink_suffix
        return name if name.endswith(suffix) else name + suffix

    imagedir = "_images"
    news: dict = {}  # noqa: RUF012


class FreshHtml(Fresh):
    """A page of the site has a frame. Sphinx's index of words knows the pages of one build only."""

    search = False

    def frame(self, docname, doctree):
        """The page without its text, as the templates write it."""
        path = Path(self.outdir, ".frame.html")
        self.current_docname = docname
        self.secnumbers = self.env.toc_secnumbers.get(docname, {})
        around = self.get_doc_context(docname, "", "")
        source, around["sourcename"] = around["sourcename"], ""  # or it would be copied
        self.handle_page(docname, around, outfilename=path, event_arg=doctree)
        written = path.read_text(encoding="utf-8")
        path.unlink()
        return digest(source, written)


class FreshSingle(Fresh):
    """One page for the whole book shows what all pages show."""

    def written_as_one(self, docnames):
        """The one page."""
        return [self.config.root_doc]

    def key(self, docname):
        """A digest of the keys of all pages."""
        return digest([super(FreshSingle, self).key(name) for name in sorted(self.env.all_docs)])

    def shows_the_same(self, docname, page):
        """Compared by its key alone."""
        return False

    def shown(self, docname, doctree):
        """Known by its key."""
        return self.keys[docname]


def mix_in(app, config):
    """Make the builders with a file for each page write only what is new."""
    kinds = {"html": FreshHtml, "singlehtml": FreshSingle}
    builders = app.registry.builders
    for name, builder in list(builders.items()):
        if name in FORMS or getattr(builder, "one_file_per_page", False):
            mixed = kinds.get(name, Fresh)
            builders[name] = type(builder.__name__, (mixed, builder), {"__doc__": builder.__doc__})


def remember(app, error):
    """After a build: what was written is known, unless it was interrupted."""
    if isinstance(app.builder, Fresh) and error is None and hasattr(app.builder, "memory"):
        app.builder.note(warned=bool(app._warncount))


def collect_rarely(app):
    """What is there before reading stays; to look through it costs a third of a short build."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def setup(app):
    """Mix the rule into the builders."""
    app.connect("builder-inited", collect_rarely)
    app.connect("config-inited", set_version)
    app.connect("config-inited", mix_in)
    app.connect("env-get-outdated", changed_sources)
    app.connect("env-updated", note_sources)
    # Before the files that depend on all pages are made of what was kept.
    app.connect("build-finished", remember, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
