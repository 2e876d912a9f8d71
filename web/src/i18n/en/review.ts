// English words: person.
export const review = {
  person: {
    none: 'Your name',
    signedAs: 'You sign as {{name}}',
    title: 'Your name',
    text: 'Stands beside what you do: edits, reviews, opinions. It is not checked.',
    save: 'Save',
  },
} as const;
