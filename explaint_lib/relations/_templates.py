"""Sentences that say, do not say, deny or turn round that one noun is a kind of another.

Groups: ``affirmed`` states the relation (surface patterns after Hearst 1992, as in Regneri et al. 2024), ``neutral``
puts both nouns into one sentence without relating them, ``negated`` denies the relation, ``reversed`` states it the
wrong way round. A signal that is as strong in the other three groups is about the two *words*, not about what the
sentence says of them.

No noun opens a sentence: the first position of a decoder sees nothing but itself and collects attention. What the
templates do not license: a dozen patterns of one writer are no sample of how English speaks about kinds. The published
templates are not public; these are ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from explaint_lib.relations import _grammar

Group = Literal["affirmed", "neutral", "negated", "reversed"]
GROUPS: tuple[Group, ...] = ("affirmed", "neutral", "negated", "reversed")


@dataclass(frozen=True)
class Template:
    """One sentence pattern: two slots, each with the form its noun takes.

    The forms are ``a`` ("a robin", "furniture", "a pair of tongs"), ``the``, ``kind`` (bare: "a kind of bird") and
    ``all`` (plural).
    """

    name: str
    group: Group
    text: str


class Sentence(NamedTuple):
    """A filled template: the text, and the character spans of the two nouns without their articles."""

    text: str
    hyponym: tuple[int, int]
    hypernym: tuple[int, int]


TEMPLATES: tuple[Template, ...] = (
    Template("is_a", "affirmed", "They said that {hyponym:a} is {hypernym:a}."),
    Template("kind_of", "affirmed", "They said that {hyponym:a} is a kind of {hypernym:kind}."),
    Template("such_as", "affirmed", "They wrote about {hypernym:all} such as {hyponym:all}."),
    Template("and_other", "affirmed", "They wrote about {hyponym:all} and other {hypernym:all}."),
    Template("especially", "affirmed", "They wrote about {hypernym:all}, especially {hyponym:all}."),
    Template("near", "neutral", "They saw {hyponym:the} near {hypernym:the}."),
    Template("before", "neutral", "They saw {hypernym:the} before {hyponym:the}."),
    Template("is_not_a", "negated", "They said that {hyponym:a} is not {hypernym:a}."),
    Template("no_kind_of", "negated", "They said that {hyponym:a} is no kind of {hypernym:kind}."),
    Template("is_a_reversed", "reversed", "They said that {hypernym:a} is {hyponym:a}."),
    Template("such_as_reversed", "reversed", "They wrote about {hyponym:all} such as {hypernym:all}."),
    Template("and_other_reversed", "reversed", "They wrote about {hypernym:all} and other {hyponym:all}."),
    Template("especially_reversed", "reversed", "They wrote about {hyponym:all}, especially {hypernym:all}."),
)

#: Templates that are alike but for what they assert, by name: who is to tell assertion from form is tested on a whole
#: family of which no sentence was in training. The neutral ones have words of their own ("saw"), so they are tested
#: together with others, and must all be left out together.
FAMILIES: tuple[tuple[str, ...], ...] = (
    ("is_a", "is_not_a", "is_a_reversed"),
    ("kind_of", "no_kind_of"),
    ("such_as", "such_as_reversed"),
    ("and_other", "and_other_reversed", "near"),
    ("especially", "especially_reversed", "before"),
)

_SLOT = re.compile(r"\{(hyponym|hypernym):(\w+)\}")


def templates(group: Group) -> tuple[Template, ...]:
    """Return the templates of one group, in a fixed order.

    Examples
    --------
    >>> from explaint_lib import relations
    >>> [template.name for template in relations.templates("negated")]
    ['is_not_a', 'no_kind_of']
    """
    return tuple(template for template in TEMPLATES if template.group == group)


def frame_words(template: Template) -> list[str]:
    """Return the words of a template beside its two nouns, in lower case.

    Examples
    --------
    >>> from explaint_lib import relations
    >>> relations.frame_words(relations.templates("negated")[0])
    ['they', 'said', 'that', 'is', 'not']
    """
    return re.findall(r"[a-z]+", _SLOT.sub(" ", template.text).lower())


def fill(template: Template, hyponym: str, hypernym: str) -> Sentence:
    """Write the sentence of a pair.

    Parameters
    ----------
    template : Template
    hyponym, hypernym : str
        Nouns in the singular, lower case; mass nouns and nouns that come in pairs as they are.

    Returns
    -------
    Sentence
        ``text[slice(*span)]`` is the noun as it stands there, in the plural where the template asks for it.

    Examples
    --------
    >>> from explaint_lib import relations
    >>> sentence = relations.fill(relations.templates("affirmed")[0], "owl", "bird")
    >>> sentence.text
    'They said that an owl is a bird.'
    >>> sentence.text[slice(*sentence.hyponym)]
    'owl'
    """
    text, spans, end = "", {}, 0
    for slot in _SLOT.finditer(template.text):
        text += template.text[end : slot.start()]
        before, noun = _phrase(hyponym if slot[1] == "hyponym" else hypernym, slot[2])
        text += before
        spans[slot[1]] = (len(text), len(text) + len(noun))
        text += noun
        end = slot.end()
    return Sentence(text + template.text[end:], spans["hyponym"], spans["hypernym"])


def _phrase(noun: str, form: str) -> tuple[str, str]:
    if form == "all":
        return "", _grammar.plural(noun)
    return {"a": _grammar.determiner(noun), "the": "the ", "kind": ""}[form], noun
