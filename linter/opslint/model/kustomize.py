"""``kustomize build`` over facts: bases, components, generators, patches and the built-in transformers, in kustomize's order."""

from __future__ import annotations

import posixpath

from opslint.base.tree import Hole, Mapping, Scalar, Sequence, decode
from opslint.base.typing import TYPE_CHECKING
from opslint.facts.kubernetes import KubernetesObject, is_known
from opslint.facts.kustomize import Kustomization, masked_patch
from opslint.model.anchored_patterns import PatternError
from opslint.model.kustomize_generators import generated
from opslint.model.kustomize_patches import PatchError, apply_operation, own_target, strategic, without_identity
from opslint.model.kustomize_records import Build, Built, Item, Refused
from opslint.model.kustomize_transforms import (
    is_builtin,
    labelled,
    matches,
    name_references,
    renamed,
    retagged,
    scaled,
    with_named,
    with_namespace,
    with_references,
)

if TYPE_CHECKING:
    from opslint.base.tree import Node
    from opslint.model.model import DeploymentModel

MAX_OBJECTS = 5_000
"""Most objects one build may hold."""


FILE_NAMES = frozenset(("kustomization.yaml", "kustomization.yml", "Kustomization"))


class Kustomizer:
    """Builds the kustomizations of a project; every directory once."""

    def __init__(self, model: DeploymentModel) -> None:
        self.model = model
        self.by_directory: dict[str, Kustomization] = {}
        for fact in model.facts(Kustomization):
            # Another name (`preview-kustomization.yaml`) is somebody's template: kustomize does not find it.
            if posixpath.basename(fact.path) in FILE_NAMES:
                self.by_directory.setdefault(posixpath.dirname(fact.path), fact)
        self._objects: dict[str, list[KubernetesObject]] = {}
        for found in model.facts(KubernetesObject):
            self._objects.setdefault(found.path, []).append(found)
        self._trees: dict[str, Mapping] = {}
        self._built: dict[str, Build] = {}
        self._active: list[str] = []
        self.used_files: set[str] = set()
        self.referenced: set[str] = set()
        self.refused: list[Refused] = []

    def tree(self, directory: str) -> Mapping:
        """The decoded kustomization of a directory."""
        tree = self._trees.get(directory)
        if tree is None:
            fact = self.by_directory[directory]
            found = decode(fact.tree, fact.path)
            assert isinstance(found, Mapping)
            tree = self._trees[directory] = found
        return tree

    def build(self, directory: str) -> Built:
        """Build one directory."""
        made = self._build(directory)
        return Built(
            files=sorted(made.files),
            namespace=self.tree(directory).text("namespace") or "",
            objects=[item.node for item in made.objects],
            open_reasons=list(made.open_reasons),
        )

    def _build(self, directory: str) -> Build:
        done = self._built.get(directory)
        if done is not None:
            return done
        fact, tree = self.by_directory[directory], self.tree(directory)
        made = Build()
        made.files[fact.path] = None
        self._active.append(directory)
        for key in ("resources", "bases"):
            for entry in tree.sequence(key):
                self._take(directory, entry, made)
        self._note_foreign(tree, made)
        self._configure(directory, tree, made)
        # Since version 5.1 components see what is generated, too.
        self._generate(directory, tree, made)
        for entry in tree.sequence("components"):
            self._component(directory, entry, made)
        self._transform(directory, tree, made)
        self._active.pop()
        self._built[directory] = made
        return made

    def _open(self, made: Build, reason: str, node: Node) -> None:
        made.open_reasons.append((reason, node.loc))

    def _take(self, directory: str, entry: Node, made: Build) -> None:
        """Accumulate one entry of `resources`."""
        if not isinstance(entry, Scalar):
            self._open(made, "a resource that is not known", entry)
            return
        target = self._target(directory, entry, made)
        if target is None:
            return
        if target in self.by_directory:
            inner = self._enter(target, entry, made)
            if inner is not None:
                made.files.update(inner.files)
                made.open_reasons.extend(inner.open_reasons)
                made.references.extend(inner.references)
                self._add([Item(item.node, item.names, item.spaces) for item in inner.objects], entry, made, built=True)
        elif target in self.model.files:
            made.files[target] = None
            self.used_files.add(target)
            nodes = self._nodes(target)
            if not nodes and self.model.files[target].kind != "kubernetes":
                self._open(made, f"{entry.text} holds no objects that are understood", entry)
            self._add([Item(node) for node in nodes], entry, made)
            if len(made.objects) > MAX_OBJECTS:
                self._open(made, "too many objects", entry)
        else:
            self._open(made, f"{entry.text} is not in the repository", entry)

    def _add(self, objects: list[Item], entry: Node, made: Build, *, built: bool = False) -> None:
        """Add what one entry gives. `built`: another kustomization gave it, which has said of its own what is there twice."""
        if made.there is None:
            made.there = {item.identity for item in made.objects}
        twice = [item for item in objects if built and item.name and item.identity in made.there]
        for item in objects:
            if not built and item.name and item.identity in made.there:
                twice.append(item)
            made.there.add(item.identity)
        for item in twice[:1]:
            self._fail(entry, f"{item.kind} {item.name} is there already: a build may hold no two objects of one name", made)
        made.objects.extend(objects)

    def _target(self, directory: str, entry: Scalar, made: Build) -> str | None:
        text = entry.text
        if "://" in text or text.startswith(("git@", "github.com/", "git::")) or "?ref=" in text:
            self._open(made, f"{text.partition('?')[0]} is fetched when it is built", entry)
            return None
        target = posixpath.normpath(posixpath.join(directory, text))
        if target.startswith("../") or target == "..":
            self._open(made, f"{text} is outside the repository", entry)
            return None
        return "" if target == "." else target

    def _enter(self, target: str, entry: Scalar, made: Build) -> Build | None:
        self.referenced.add(target)
        if target in self._active or len(self._active) > 40:
            self.model.blind("kustomize-cycle", entry.loc, f"{entry.text} leads back to a kustomization that is being built")
            self._open(made, "a cycle of kustomizations", entry)
            return None
        return self._build(target)

    def _component(self, directory: str, entry: Node, made: Build) -> None:
        """A component works on what is there so far: its transformers see the objects of the kustomization that names it."""
        target = self._target(directory, entry, made) if isinstance(entry, Scalar) else None
        if target is None or not isinstance(entry, Scalar):
            return
        if target not in self.by_directory:
            self._open(made, f"{entry.text} is not in the repository", entry)
            return
        self.referenced.add(target)
        if target in self._active or len(self._active) > 40:
            self.model.blind("kustomize-cycle", entry.loc, f"{entry.text} leads back to a kustomization that is being built")
            return
        self._active.append(target)
        made.files[self.by_directory[target].path] = None
        tree = self.tree(target)
        for key in ("resources", "bases"):
            for inner in tree.sequence(key):
                self._take(target, inner, made)
        self._note_foreign(tree, made)
        self._generate(target, tree, made)
        for inner in tree.sequence("components"):
            self._component(target, inner, made)
        self._transform(target, tree, made)
        self._active.pop()

    def _nodes(self, path: str) -> list[Mapping]:
        nodes = [decode(fact.tree, path) for fact in self._objects.get(path, ())]
        return [node for node in nodes if isinstance(node, Mapping)]

    def _generate(self, directory: str, tree: Mapping, made: Build) -> None:
        for field, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
            for item in tree.sequence(field):
                if not isinstance(item, Mapping):
                    continue
                node, files, reasons = generated(self.model, directory, kind, item, tree)
                made.files.update(dict.fromkeys(files))
                made.open_reasons.extend(reasons)
                self._put_generated(made, node, item)

    def _put_generated(self, made: Build, node: Mapping, entry: Mapping) -> None:
        objects = made.objects
        behavior = entry.text("behavior") or "create"
        kind, name = node.text("kind") or "", node.text("metadata", "name") or ""
        if behavior not in ("merge", "replace"):
            self._add([Item(node)], entry, made)
            return
        target = next((item for item in objects if item.kind == kind and name in (item.name, *item.names)), None)
        spaces = () if target is None else (*target.spaces, target.node.text("metadata", "namespace") or "")
        if target is None or (entry.text("namespace") or "") not in spaces:
            # Kustomize identifies an object by its namespace, too.
            self._fail(
                entry, f"behavior {behavior} of {kind} {name}: no {kind} of this name and namespace is there to {behavior}", made
            )
        if target is None:
            objects.append(Item(node))
        elif behavior == "merge":
            target.node = strategic(target.node, without_identity(node, target.node), lists=True) or target.node
        else:
            data = node.get("data")
            pairs = [(key, data if key.text == "data" and data is not None else value) for key, value in target.node.pairs]
            target.node = Mapping([pair for pair in pairs if pair[0].text != "stringData"], target.node.at, target.node.path)

    def _fail(self, node: Node, message: str, made: Build) -> None:
        """Note that kustomize refuses this build (what can be followed still is), unless a part of it is not known."""
        if made.open_reasons or any(item.loc == node.loc for item in self.refused):
            return
        self.refused.append(Refused(directory=self._active[-1], loc=node.loc, message=message))
        self.model.blind("kustomize-does-not-build", node.loc, message, help="run `kustomize build` on every pull request")

    # Transformers

    def _transform(self, directory: str, tree: Mapping, made: Build) -> None:
        made.there = None
        for entry in tree.sequence("patchesStrategicMerge"):
            self._strategic(directory, entry, None, made)
        for entry in tree.sequence("patches"):
            self._patch(directory, entry, made)
        namespace = tree.get("namespace")
        if isinstance(namespace, Scalar) and namespace.text:
            for item in made.objects:
                item.spaces = (*item.spaces, item.node.text("metadata", "namespace") or "")
                item.node = with_namespace(item.node, namespace)
        self._rename(tree, made)
        for item in made.objects:
            item.node = labelled(item.node, tree)
        for entry in tree.sequence("patchesJson6902"):
            self._patch(directory, entry, made)
        for item in made.objects:
            item.node = scaled(item.node, item.names, tree.sequence("replicas"))
            item.node = retagged(item.node, tree.sequence("images"))
        self._replace(directory, tree, made)

    def _replace(self, directory: str, tree: Mapping, made: Build) -> None:
        entries: list[Node] = []
        for entry in tree.sequence("replacements"):
            path = entry.get("path") if isinstance(entry, Mapping) else None
            if isinstance(path, Scalar):
                target = self._target(directory, path, made)
                found = self._plain_items(target, path, made) if target is not None else []
                if target is not None and target in self.model.files:
                    made.files[target] = None
                    self.used_files.add(target)
                entries.extend(found)
            else:
                entries.append(entry)
        if entries:
            from opslint.model.kustomize_replacements import replaced

            try:
                nodes = replaced([(item.node, item.names) for item in made.objects], entries)
            except PatternError:
                self._open(made, "a replacement whose pattern is not followed", entries[0])
                return
            for item, node in zip(made.objects, nodes, strict=True):
                item.node = node

    def _rename(self, tree: Mapping, made: Build) -> None:
        prefix, suffix = tree.text("namePrefix") or "", tree.text("nameSuffix") or ""
        if not prefix and not suffix:
            return
        changes: dict[tuple[str, str], str] = {}
        for item in made.objects:
            old = item.name
            node = renamed(item.node, prefix, suffix)
            if node is not item.node:
                changes[(item.kind, old)] = f"{prefix}{old}{suffix}"
                item.names = (*item.names, old)
                item.node = node
        for item in made.objects:
            item.node = with_named(with_references(item.node, changes), made.references, changes)

    def _configure(self, directory: str, tree: Mapping, made: Build) -> None:
        """Take the references by name that `configurations` add to kustomize's own."""
        for entry in tree.sequence("configurations"):
            target = self._target(directory, entry, made) if isinstance(entry, Scalar) else None
            if target is None or not isinstance(entry, Scalar) or target not in self.model.files:
                continue
            made.files[target] = None
            self.used_files.add(target)
            for item in self._plain_items(target, entry, made):
                made.references.extend(name_references(item) if isinstance(item, Mapping) else ())

    def _patch(self, directory: str, entry: Node, made: Build) -> None:
        if not isinstance(entry, Mapping):
            return
        target = entry.mapping("target")
        inline, path = entry.get("patch"), entry.get("path")
        if isinstance(inline, Sequence):
            self._apply(list(inline.items), target, entry, made)
        elif isinstance(path, Scalar):
            self._strategic(directory, path, target, made)
        elif isinstance(inline, Hole):
            self._open(made, inline.reason, inline)

    def _strategic(self, directory: str, entry: Node, target: Mapping | None, made: Build) -> None:
        """Apply a patch given as a file name or inline."""
        if isinstance(entry, Sequence):
            self._apply(list(entry.items), target, entry, made)
            return
        if not isinstance(entry, Scalar):
            return
        path = self._target(directory, entry, made)
        if path is None:
            return
        if path not in self.model.files:
            self._open(made, f"{entry.text} is not in the repository", entry)
            return
        made.files[path] = None
        self.used_files.add(path)
        nodes: list[Node] = list(self._nodes(path)) or self._operations(path, entry, made)
        self._apply(nodes, target, entry, made)

    def _operations(self, path: str, entry: Scalar, made: Build) -> list[Node]:
        """A patch file that holds JSON 6902 operations is of no kind of its own: it is read here."""
        return [masked_patch(item) for item in self._plain_items(path, entry, made)]

    def _plain_items(self, path: str, entry: Scalar, made: Build) -> list[Node]:
        """The documents of a file that is of no kind of its own, a list taken apart."""
        from opslint.base.location import Places
        from opslint.model.rendered import with_spans
        from opslint.syntax.document import ReadProblem
        from opslint.syntax.yaml import build

        data = self.model.read(path)
        places = Places()
        try:
            roots = build(data or b"", places)
        except ReadProblem as problem:
            self._open(made, f"{entry.text} could not be read: {problem.message}", entry)
            return []
        items: list[Node] = []
        for root in roots:
            items.extend(root.items if isinstance(root, Sequence) else [root])
        return [with_spans(item, places, path) for item in items]

    def _apply(self, patches: list[Node], target: Mapping | None, entry: Node, made: Build) -> None:
        try:
            self._apply_to(patches, target, entry, made)
        except PatternError:
            self._open(made, "a patch whose target pattern is not followed", entry)

    def _apply_to(self, patches: list[Node], target: Mapping | None, entry: Node, made: Build) -> None:
        operations = [patch for patch in patches if isinstance(patch, Mapping) and "op" in patch]
        if operations:
            hits = [item for item in made.objects if target is not None and matches(item.node, item.names, target)]
            for item in hits:
                self._operate(item, operations, made)
            return
        for patch in patches:
            if not isinstance(patch, Mapping):
                continue
            selector = target if target is not None else own_target(patch)
            hits = [item for item in made.objects if matches(item.node, item.names, selector)]
            if target is None and not hits and is_known(patch):
                what = f"{patch.text('kind')} {patch.text('metadata', 'name')}"
                self._fail(patch, f"a patch of {what}, which is not among the resources", made)
            for item in hits:
                if item in made.objects:
                    merged = strategic(item.node, without_identity(patch, item.node), lists=is_builtin(item.node))
                    if merged is None:
                        made.objects.remove(item)
                    else:
                        item.node = merged

    def _operate(self, item: Item, operations: list[Mapping], made: Build) -> None:
        node: Node = item.node
        for operation in operations:
            try:
                node = apply_operation(node, operation)
            except PatchError as error:
                self._fail(error.node, f"{item.kind} {item.name}: {error.message}", made)
                self._open(made, f"kustomize refuses it: {error.message}", error.node)
                return
        if isinstance(node, Mapping):
            item.node = node

    def _note_foreign(self, tree: Mapping, made: Build) -> None:
        for key in ("helmCharts", "helmChartInflationGenerator", "generators", "transformers"):
            entry = tree.key(key)
            if entry is not None and tree.sequence(key):
                self._open(made, f"{key} are made when it is built", entry)
