"""A toy WordNet with the interface of NLTK's reader."""

from __future__ import annotations


class Synset:
    def __init__(self, name, *above):
        self.name, self.above, self.below = name, above, []
        for higher in above:
            higher.below.append(self)

    def hypernyms(self):
        return list(self.above)

    def hyponyms(self):
        return self.below

    def lemma_names(self):
        return [self.name]

    def min_depth(self):
        return 0 if not self.above else 1 + min(higher.min_depth() for higher in self.above)


class Toy:
    """entity > (animal > (bird > robin, fish > trout, insect), artefact > (tool > hammer, vehicle > bus))."""

    def __init__(self):
        entity = Synset("entity")
        animal, artefact = Synset("animal", entity), Synset("artefact", entity)
        kinds = {name: Synset(name, animal) for name in ("bird", "fish", "insect")}
        kinds |= {name: Synset(name, artefact) for name in ("tool", "vehicle")}
        leaves = {"robin": "bird", "trout": "fish", "hammer": "tool", "bus": "vehicle"}
        self.all = [entity, animal, artefact, *kinds.values(), *(Synset(x, kinds[y]) for x, y in leaves.items())]

    def synsets(self, word, pos=None):
        return [synset for synset in self.all if synset.name == word]

    def all_synsets(self, pos=None):
        return self.all
