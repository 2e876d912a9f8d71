// Chinese words: edit.
import type { edit as english } from '../en/edit';
import type { Words } from '../words';

export const edit: Words<typeof english> = {
  edit: {
    options: '工具选项',
  },
};
