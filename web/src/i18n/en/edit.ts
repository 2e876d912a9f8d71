// English words: edit.
export const edit = {
  edit: {
    options: 'Options of the tool',
  },
} as const;
