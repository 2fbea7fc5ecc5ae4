"""Templates of the messages of one application, mined as they come by Drain."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from drain3.drain import Drain, LogCluster

from tracehound.detectors.logs.masking import masked
from tracehound.detectors.logs.stored_templates import StoredNode, StoredTemplate, StoredTemplates, check
from tracehound.schemas.log_levels import Level

LONGEST_READ: Final = 1_000
"""Characters of a message that its template is made of: its first line, and no more."""
MOST_TOKENS: Final = 64
LONGEST_NAME: Final = 200
SETTLED_AT: Final = 16
"""Messages after which a template keeps its name, whatever becomes of its words."""
_SIMILAR: Final = 0.7
_DEPTH: Final = 5  # root, number of words, level, first word, templates
_CHILDREN: Final = 100
_ANY: Final = "<*>"


@dataclass(frozen=True, slots=True)
class Mined:
    """What a message is an instance of.

    ``template_id`` counts the templates of the application; ``name`` is the template, which becomes more general
    during its first messages and then stays; ``first`` is what it was called at first, and never changes. ``count`` is
    how many messages it has had, this one included.
    """

    template_id: int
    name: str
    first: str
    count: int


@dataclass(slots=True)
class _Known:
    first: str
    name: str
    bytes: int


class TemplateMiner:
    """Finds the template of each message of an application, and makes one where there is none.

    A message is masked (``masking``), cut into words, and compared with templates of as many words, the same level and
    the same first word: where seven of ten words agree it is one of them, and the words that do not become ``<*>``.
    Levels never share a template, so that what is said as an error is not taken for what is said in passing.

    Assumes that messages of one template have the same number of words and begin alike. Fails for texts that people
    write, where each is a template of its own: then the least recently seen give way.

    Parameters:
        most: templates kept.

    Source: P. He et al., Drain: an online log parsing approach with fixed depth tree, ICWS (2017); as drain3 has it.

    >>> miner = TemplateMiner()
    >>> [miner.learn_one(f"user {name} logged in after 3 s", "info").name for name in ("ann", "bob", "eve")]
    ['user ann logged in after <num>', 'user <*> logged in after <num>', 'user <*> logged in after <num>']
    """

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._drain: Any = Drain(_DEPTH, _SIMILAR, _CHILDREN, param_str=_ANY)
        self._known: OrderedDict[int, _Known] = OrderedDict()  # the least recently seen first
        self.nbytes = 0

    def learn_one(self, message: str, level: Level) -> Mined:
        """The template of a message, which learns it."""
        line = message.strip()[:LONGEST_READ].partition("\n")[0]
        words = masked(line).split()[:MOST_TOKENS]
        cluster, _ = self._drain.add_log_message(" ".join([level, *words]))
        identifier: int = cluster.cluster_id
        known = self._known.get(identifier)
        if known is None:
            first = _named(cluster.log_template_tokens)
            known = self._known[identifier] = _Known(first, first, _bytes_of(cluster.log_template_tokens))
            self.nbytes += known.bytes
            if len(self._known) > self._most:
                self._forget_oldest()
            if identifier % self._most == 0:  # what is left of those forgotten must not grow for ever
                _prune(self._drain.root_node, self._drain.id_to_cluster)
        else:
            self._known.move_to_end(identifier)
            if cluster.size <= SETTLED_AT:
                known.name = _named(cluster.log_template_tokens)
        return Mined(identifier, known.name, known.first, cluster.size)

    def __len__(self) -> int:
        """How many templates are kept."""
        return len(self._known)

    def _forget_oldest(self) -> None:
        identifier, oldest = self._known.popitem(last=False)
        del self._drain.id_to_cluster[identifier]
        self.nbytes -= oldest.bytes

    def snapshot(self) -> StoredTemplates:
        """All that is needed to go on exactly as if nothing had happened."""
        clusters = self._drain.id_to_cluster
        templates = [
            StoredTemplate(
                identifier,
                list(clusters[identifier].log_template_tokens),
                clusters[identifier].size,
                one.first,
                one.name,
            )
            for identifier, one in self._known.items()
        ]
        return StoredTemplates(self._drain.clusters_counter, templates, _stored(self._drain.root_node))

    @classmethod
    def restore(cls, stored: StoredTemplates, most: int = 500) -> "TemplateMiner":
        """A miner that goes on where one was when ``stored`` was taken of it; beyond ``most`` the oldest are left out.

        Raises:
            ValueError: it is not what ``snapshot`` returns.
        """
        check(stored, MOST_TOKENS + 1, _DEPTH - 2)
        miner = cls(most)
        drain = miner._drain
        for one in stored.templates:
            cluster = _cluster(one)
            drain.id_to_cluster[one.template_id] = cluster
            known = miner._known[one.template_id] = _Known(one.first, one.name, _bytes_of(cluster.log_template_tokens))
            miner.nbytes += known.bytes
        drain.clusters_counter = stored.counter
        _fill(drain.root_node, stored.root)
        while len(miner._known) > most:
            miner._forget_oldest()
        return miner


def _named(tokens: tuple[str, ...]) -> str:
    """The words of a template without its level; what holds no word at all has a name, too."""
    return " ".join(tokens[1:])[:LONGEST_NAME].strip() or "(nothing)"


def _bytes_of(tokens: tuple[str, ...]) -> int:
    return 1_000 + sum(60 + len(token) for token in tokens) + 2 * LONGEST_NAME


def _cluster(one: StoredTemplate) -> Any:
    cluster = LogCluster(one.tokens, one.template_id)
    cluster.size = one.count
    return cluster


def _stored(node: Any) -> StoredNode:
    children = {word: _stored(child) for word, child in node.key_to_child_node.items()}
    return StoredNode(children, list(node.cluster_ids))


def _fill(node: Any, stored: StoredNode) -> None:
    node.cluster_ids = list(stored.template_ids)
    for word, child in stored.children.items():
        node.key_to_child_node[word] = made = type(node)()
        _fill(made, child)


def _prune(node: Any, clusters: Any) -> bool:
    """Remove templates that are forgotten, and what is empty then; whether that is all of it."""
    node.cluster_ids = [one for one in node.cluster_ids if one in clusters]
    for word, child in list(node.key_to_child_node.items()):
        if _prune(child, clusters):
            del node.key_to_child_node[word]
    return not node.cluster_ids and not node.key_to_child_node
