// Names of anatomy and lesions with their SNOMED CT codes: what an object can be, and how it is found.
import type { Anatomy } from '../api/types';

interface Entry<Key extends string> {
  /** Its word in the area `anatomy` of the translations. */
  readonly key: Key;
  readonly category: keyof typeof CATEGORIES;
  readonly code: string;
  /** The code's English meaning, as DICOM segmentations write it. */
  readonly meaning: string;
  /** The colour that atlases give it. */
  readonly color: string;
  /** Whether there is one on either side. */
  readonly sided: boolean;
}

const CATEGORIES = {
  structure: { scheme: 'SCT', value: '123037004', meaning: 'Anatomical Structure' },
  tissue: { scheme: 'SCT', value: '85756007', meaning: 'Tissue' },
  altered: { scheme: 'SCT', value: '49755003', meaning: 'Morphologically Altered Structure' },
} as const;

export const SIDES = {
  left: { scheme: 'SCT', value: '7771000', meaning: 'Left' },
  right: { scheme: 'SCT', value: '24028007', meaning: 'Right' },
} as const;

export type Side = keyof typeof SIDES;

function of<const Key extends string>(
  category: keyof typeof CATEGORIES,
  entries: readonly (readonly [Key, string, string, string, 'sided'?])[],
): Entry<Key>[] {
  return entries.map(([key, code, meaning, color, sided]) => ({ key, category, code, meaning, color, sided: sided === 'sided' }));
}

export const STRUCTURES = [
  ...of('structure', [
    ['liver', '10200004', 'Liver', '#dd8265'],
    ['spleen', '78961009', 'Spleen', '#9d6ca2'],
    ['kidney', '64033007', 'Kidney', '#b9664d', 'sided'],
    ['pancreas', '15776009', 'Pancreas', '#f9b46f'],
    ['gallbladder', '28231008', 'Gallbladder', '#8b9662'],
    ['bladder', '89837001', 'Bladder', '#de9a84'],
    ['prostate', '41216001', 'Prostate', '#e69e8c'],
    ['stomach', '69695003', 'Stomach', '#d88469'],
    ['duodenum', '38848004', 'Duodenum', '#fffde5'],
    ['colon', '71854001', 'Colon', '#cca88f'],
    ['esophagus', '32849002', 'Esophagus', '#d3ab8f'],
    ['adrenal', '23451007', 'Adrenal gland', '#f4ba96', 'sided'],
    ['aorta', '15825003', 'Aorta', '#e0614c'],
    ['ivc', '64131007', 'Inferior vena cava', '#0097ce'],
    ['portalVein', '32764006', 'Portal vein', '#3d6bff'],
    ['heart', '80891009', 'Heart', '#ce6e54'],
    ['leftVentricle', '87878005', 'Left ventricle', '#98370d'],
    ['rightVentricle', '53085002', 'Right ventricle', '#b55539'],
    ['leftAtrium', '82471001', 'Left atrium', '#cb6c51'],
    ['rightAtrium', '73829009', 'Right atrium', '#d27359'],
    ['lung', '39607008', 'Lung', '#c5a591', 'sided'],
    ['lungLobe', '31094006', 'Lobe of lung', '#ac8a73', 'sided'],
    ['trachea', '44567001', 'Trachea', '#b6e4ff'],
    ['brain', '12738006', 'Brain', '#fafae1'],
    ['brainVentricle', '35764002', 'Brain ventricle', '#586ad7', 'sided'],
    ['whiteMatter', '389080008', 'White Matter', '#fafad2'],
    ['greyMatter', '389081007', 'Gray Matter', '#c8c8eb'],
    ['hippocampus', '5366008', 'Hippocampus', '#e38b6b', 'sided'],
    ['cerebellum', '113305005', 'Cerebellum', '#c2c394'],
    ['thalamus', '42695009', 'Thalamus', '#a67189', 'sided'],
    ['caudate', '11000004', 'Caudate nucleus', '#b98de4', 'sided'],
    ['putamen', '89278009', 'Putamen', '#ec7ea5', 'sided'],
    ['amygdala', '4958002', 'Amygdala', '#62a0d8', 'sided'],
    ['spinalCord', '2748008', 'Spinal cord', '#f4d631'],
    ['thyroid', '69748006', 'Thyroid', '#3ea272'],
    ['vertebra', '51282000', 'Vertebra', '#ffffcf'],
    ['rib', '113197003', 'Rib', '#fde89e', 'sided'],
    ['femur', '71341001', 'Femur', '#fff3d1', 'sided'],
    ['breast', '76752008', 'Breast', '#e0a3c0', 'sided'],
    ['uterus', '35039007', 'Uterus', '#ffb59e'],
    ['lymphNode', '59441001', 'Lymph node', '#44ac64', 'sided'],
  ]),
  ...of('tissue', [
    ['muscle', '71616004', 'Muscle', '#c06858'],
    ['bone', '272673000', 'Bone', '#f1d691'],
    ['fat', '248300009', 'Body fat', '#e6dc46'],
    ['skin', '39937001', 'Skin', '#b17a65'],
  ]),
  ...of('altered', [
    ['neoplasm', '108369006', 'Neoplasm', '#ff3b30'],
    ['mass', '4147007', 'Mass', '#90ee90'],
    ['nodule', '27925004', 'Nodule', '#38bdf8'],
    ['cyst', '367643001', 'Cyst', '#cdcd64'],
    ['edema', '79654002', 'Edema', '#8ce0e4'],
    ['necrosis', '6574001', 'Necrosis', '#d8bfd8'],
    ['hemorrhage', '50960005', 'Hemorrhage', '#bc411c'],
  ]),
];

export type StructureKey = (typeof STRUCTURES)[number]['key'];

export type Structure = Entry<StructureKey>;

/** A structure, and which of the two where there are two. */
export interface Term {
  readonly structure: Structure;
  readonly side: Side | null;
  /** Its names, that of the page's language first. */
  readonly names: readonly string[];
}

/** Every structure, with its sides where it has them. `namesOf` gives its names, that of the page's language first. */
export function termsOf(namesOf: (structure: Structure, side: Side | null) => readonly string[]): Term[] {
  return STRUCTURES.flatMap((structure: Structure) => {
    const sides = structure.sided ? ([null, 'left', 'right'] as const) : ([null] as const);
    return sides.map((side) => ({ structure, side, names: namesOf(structure, side) }));
  });
}

/** What a term is, in codes. */
export function anatomyOf({ structure, side }: Pick<Term, 'structure' | 'side'>): Anatomy {
  return {
    category: CATEGORIES[structure.category],
    kind: { scheme: 'SCT', value: structure.code, meaning: structure.meaning },
    ...(side === null ? {} : { laterality: SIDES[side] }),
  };
}

/** The structure and side that codes stand for; null where they are none of ours. */
export function structureOf(anatomy: Anatomy): { readonly structure: Structure; readonly side: Side | null } | null {
  const structure: Structure | undefined = STRUCTURES.find(({ code }) => anatomy.kind.scheme === 'SCT' && anatomy.kind.value === code);
  if (structure === undefined) return null;
  const laterality = anatomy.laterality?.value;
  const side = laterality === SIDES.left.value ? 'left' : laterality === SIDES.right.value ? 'right' : null;
  return { structure, side };
}

/** Small letters without accents and spaces, so that "Caecum" typed any way is found. */
function plain(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').normalize('NFC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

/** How well a name fits: 0 is the same, larger is worse, none does not fit. */
function rankOf(name: string, wanted: string): number | null {
  const at = plain(name).indexOf(wanted);
  if (at === -1) return null;
  if (plain(name) === wanted) return 0;
  if (at === 0) return 1;
  return plain(name).charAt(at - 1) === ' ' ? 2 : 3;
}

/** Terms that fit what was typed, in any language or by code, the best first. All where nothing was typed. */
export function findTerms(terms: readonly Term[], typed: string): Term[] {
  const wanted = plain(typed);
  if (wanted === '') return [...terms];
  const rated = terms.flatMap((term) => {
    const ranks = term.names.map((name) => rankOf(name, wanted)).filter((rank) => rank !== null);
    if (term.structure.code === wanted) ranks.push(0);
    else if (/^\d{3,}$/.test(wanted) && term.structure.code.startsWith(wanted)) ranks.push(1);
    return ranks.length === 0 ? [] : [{ term, rank: Math.min(...ranks) }];
  });
  return rated.sort((a, b) => a.rank - b.rank).map(({ term }) => term);
}
