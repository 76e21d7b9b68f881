"""The book on one page: what two pages call alike has two names there.

Ids are unique in a page of the site, and two pages may have the same one. On a single page the
later one is given the name of its page, and the links that lead to it.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class UniqueIds(SphinxPostTransform):
    """Rename the ids that two source files share, after links are resolved to a file and an id."""

    default_priority = 890
    builders = ("singlehtml",)

    def run(self, **kwargs):
        """Rename them."""
        placed = list(self._placed(self.document, self.env.docname))
        owner, names = {}, {}
        for node, docname in placed:
            for id in node.get("ids", ()):
                if owner.setdefault(id, docname) != docname:
                    names[docname, id] = f"{docname.replace('/', '-')}-{id}"
        for node, docname in placed:
            for key in ("ids", "backrefs"):
                if node.get(key):
                    node[key] = [names.get((docname, id), id) for id in node[key]]
            if node.get("refid"):
                node["refid"] = names.get((docname, node["refid"]), node["refid"])
            if node.get("refuri"):
                node["refuri"] = self._target(node["refuri"], docname, names)
        for (docname, id), name in names.items():  # numbers are looked up by id
            sections = self.env.toc_secnumbers.get(docname, {})
            if f"#{id}" in sections:
                sections[f"#{name}"] = sections[f"#{id}"]
            for numbers in self.env.toc_fignumbers.get(docname, {}).values():
                if id in numbers:
                    numbers[name] = numbers[id]

    def _placed(self, node, docname):
        """Each element with the source file that it comes from."""
        if isinstance(node, addnodes.start_of_file):
            docname = node["docname"]
        if isinstance(node, nodes.Element):
            yield node, docname
            for child in node.children:
                yield from self._placed(child, docname)

    @staticmethod
    def _target(uri, docname, names):
        if not uri.startswith("#"):
            return uri
        page, hash, id = uri[1:].rpartition("#")
        if not hash:
            return f"#{names.get((docname, id), id)}"
        page = page.removeprefix("document-")
        return f"#document-{page}#{names.get((page, id), id)}"


def setup(app):
    """Register the transform."""
    app.add_post_transform(UniqueIds)
