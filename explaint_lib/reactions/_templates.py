"""Kinds of reactions, each as a change of bonds, and the groups that are put into them.

Atoms are never made or lost in a reaction; bonds are cut and joined. So a kind is written as reactants whose atoms have
names, and a list of what happens to their bonds, and the atom map needs no second opinion: an atom keeps its name. All
are textbook reactions. What it does NOT license: a yield, or a synthesis; conditions and most reagents are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ALKYL = ("C", "CC", "CCC", "C(C)C", "CC(C)C", "C1CCCCC1", "Cc1ccccc1", "CCc1ccc(F)cc1", "CCOC", "CC1CCCC1")
ARYL = (
    "c1ccccc1", "c1ccc(C)cc1", "c1ccc(OC)cc1", "c1ccc(F)cc1", "c1cccc(Cl)c1", "c1ccccc1C", "c1ccc(C#N)cc1",
    "c1cccnc1", "c1ccsc1", "c1ccc(C(F)(F)F)cc1", "c1ccc2ccccc2c1",
)  # fmt: skip
EITHER = ALKYL + ARYL
UNREACTIVE = tuple(group for group in EITHER if "#" not in group)  # with a Grignard reagent
WITHDRAWING = ("C(=O)OC", "C#N", "C(=O)C", "C(=O)OCC", "S(=O)(=O)C", "C(=O)N(C)C")


@dataclass(frozen=True)
class Kind:
    """A kind of reaction.

    Attributes
    ----------
    name : str
    about : str
        What happens, in words.
    reactants : str
        SMILES with names for the atoms that matter; ``{R}`` and ``{Q}`` are groups. The first atom of a group is called
        R1 or Q1.
    leaves : str
        The atoms that are not in the product, hydrogens aside, as elements in alphabetical order: written by hand, so
        that the balance can be checked.
    cut : tuple of str
        Bonds that go, such as "1-2".
    join : tuple of str
        Bonds that come or change, with their order where it is not 1: "1-3", "1-2 =", "1-2 :" (aromatic).
    become : dict of str to str
        Atoms that are written with another token afterwards.
    main : str
        An atom of the product that is written; what else comes out is left out, as chemists do.
    R, Q : tuple of str
        The groups to choose from.
    """

    name: str
    about: str
    reactants: str
    leaves: str
    cut: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    become: dict[str, str] = field(default_factory=dict)
    main: str = "1"
    R: tuple[str, ...] = EITHER
    Q: tuple[str, ...] = ("",)


_BOC = "[N:1]({R})[C:2](=[O:3])[O:4]C(C)(C)C"
_YLIDE = "[C:3](=[P:4](c5ccccc5)(c6ccccc6)c7ccccc7){Q}"
_NITROARENE = "[F:1][c:2]5cc({R})c([N+](=O)[O-])cc5"

KINDS: tuple[Kind, ...] = (
    Kind("ester formation", "an acid and an alcohol join, water leaves; the alcohol keeps its oxygen",
         "[C:1](=[O:2])([O:3]){R}.[O:4]{Q}", "O", ("1-3",), ("1-4",), R=EITHER, Q=ALKYL),
    Kind("ester hydrolysis", "water takes an ester apart; the oxygen of the water stays with the acid",
         "[C:1](=[O:2])([O:3]{Q}){R}.[OH-:4].[Na+:5]", "Na O Q", ("1-3",), ("1-4",), {"4": "O"}, Q=ALKYL),
    Kind("amide coupling", "an acid and an amine join, water leaves",
         "[C:1](=[O:2])([O:3]){R}.[N:4]{Q}", "O", ("1-3",), ("1-4",), Q=EITHER),
    Kind("acylation", "an acid chloride and an amine join, the chlorine leaves",
         "[C:1](=[O:2])([Cl:3]){R}.[N:4]{Q}", "Cl", ("1-3",), ("1-4",), Q=EITHER),
    Kind("sulfonamide formation", "a sulfonyl chloride and an amine join, the chlorine leaves",
         "[S:1](=[O:2])(=[O:3])([Cl:4]){R}.[N:5]{Q}", "Cl", ("1-4",), ("1-5",), R=ARYL, Q=EITHER),
    Kind("urea formation", "an amine adds to an isocyanate; nothing leaves",
         "[N:1]({R})=[C:2]=[O:3].[N:4]{Q}", "", (), ("1-2", "2-4"), R=EITHER, Q=EITHER),
    Kind("ether formation", "an oxygen takes the place of a bromine (SN2)",
         "[C:1]([Br:2]){R}.[O:3]{Q}", "Br", ("1-2",), ("1-3",), R=ALKYL, Q=ARYL),
    Kind("thioether formation", "a sulfur takes the place of a bromine (SN2)",
         "[C:1]([Br:2]){R}.[S:3]{Q}", "Br", ("1-2",), ("1-3",), R=ALKYL, Q=EITHER),
    Kind("amine alkylation", "a nitrogen takes the place of a bromine (SN2)",
         "[C:1]([Br:2]){R}.[N:3]5CCN({Q})CC5", "Br", ("1-2",), ("1-3",), Q=EITHER),
    Kind("cyanide substitution", "a cyanide takes the place of a bromine (SN2)",
         "[C:1]([Br:2]){R}.[C-:3]#[N:4].[K+:5]", "Br K", ("1-2",), ("1-3",), {"3": "C"}),
    Kind("reductive amination", "an aldehyde and an amine join, the oxygen leaves as water",
         "[C:1](=[O:2]){R}.[N:3]{Q}.[Na+:4].[BH4-:5]", "B Na O", ("1-2",), ("1-3",), Q=EITHER),
    Kind("ketone reduction", "a ketone takes up hydrogen; no bond between heavy atoms is cut",
         "[C:1](=[O:2])({Q}){R}.[Na+:4].[BH4-:5]", "B Na", (), ("1-2",), R=ARYL, Q=ALKYL),
    Kind("nitro reduction", "a nitro group loses its two oxygens",
         "[N+:1](=[O:2])([O-:3]){R}.[Fe:4]", "Fe O O", ("1-2", "1-3"), (), {"1": "N"}, R=ARYL),
    Kind("Boc removal", "a protecting group is taken off a nitrogen",
         _BOC, "C C C C C O O", ("1-2",), ()),
    Kind("acetal formation", "a ketone and a diol join to a ring of five; the ketone's oxygen leaves",
         "[C:1](=[O:2])({Q}){R}.[O:3][C][C][O:6]", "O", ("1-2",), ("1-3", "1-6"), R=ARYL, Q=ALKYL),
    Kind("Grignard addition", "a carbon that was bound to magnesium joins a ketone",
         "[Mg:1]([Br:2]){R}.[C:3](=[O:4])({Q})C", "Br Mg", ("1-R1",), ("3-R1", "3-4"), main="3",
         R=UNREACTIVE, Q=UNREACTIVE),
    Kind("aldol condensation", "a ketone and an aldehyde join by a double bond, water leaves",
         "[C:1](=[O:2]){R}.[C:3][C:4](=[O:5]){Q}", "O", ("1-2",), ("1-3 =",), R=ARYL, Q=ARYL),
    Kind("Wittig reaction", "an aldehyde's oxygen is exchanged for a carbon; phosphorus takes the oxygen",
         "[C:1](=[O:2]){R}." + _YLIDE, "C*18 O P", ("1-2", "3-4"), ("1-3 =",), Q=("C(=O)OC", "C(=O)OCC", "C(=O)C")),
    Kind("Suzuki coupling", "two aromatic rings join; boron and bromine leave",
         "[B:1]([O:2])([O:3]){R}.[Br:4]{Q}", "B Br O O", ("1-R1", "4-Q1"), ("R1-Q1",), main="R1", R=ARYL, Q=ARYL),
    Kind("Sonogashira coupling", "an alkyne joins an aromatic ring; iodine leaves",
         "[I:1]{Q}.[C:2]#[C:3]{R}", "I", ("1-Q1",), ("2-Q1",), main="2", Q=ARYL),
    Kind("aromatic substitution", "an amine takes the place of a fluorine on a nitroarene",
         _NITROARENE + ".[N:3]{Q}", "F", ("1-2",), ("2-3",), main="2", R=("C", "C#N", "OC", "CC"), Q=EITHER),
    Kind("click reaction", "an azide and an alkyne join to an aromatic ring of five",
         "[N:1]({R})=[N+:2]=[N-:3].[C:4]#[C:5]{Q}", "", (), ("1-2 :", "2-3 :", "3-5 :", "5-4 :", "4-1 :"),
         {"1": "n", "2": "n", "3": "n", "4": "c", "5": "c"}, R=ALKYL, Q=EITHER),
    Kind("Diels-Alder reaction", "a diene and an alkene join to a ring of six",
         "[C:1]=[C:2]({R})[C:3]=[C:4].[C:5]=[C:6]{Q}", "", (), ("1-2", "2-3 =", "3-4", "5-6", "4-6", "1-5"),
         R=("C", "OC", "c1ccccc1", "CC"), Q=WITHDRAWING),
    Kind("epoxide opening", "an amine opens a ring of three at its free end",
         "[C:1]5[O:2][C:3]5{R}.[N:4]{Q}", "", ("1-2",), ("1-4",), Q=EITHER),
)  # fmt: skip
