// Chinese words: person, reviewState, review, opinion, list.
import type { review as english } from '../en/review';
import type { Words } from '../words';

export const review: Words<typeof english> = {
  person: {
    none: '您的姓名',
    signedAs: '您以 {{name}} 的名义记录',
    title: '您的姓名',
    text: '会记录在您的编辑、审核和意见旁，不做身份核验。',
    save: '保存',
    unnamed: '未署名',
  },
  reviewState: {
    draft: '草稿',
    in_review: '审核中',
    accepted: '已通过',
    rejected: '已退回',
  },
  review: {
    refused: '已由 {{name}} 通过：如需修改请先重新打开',
    changed: '审核状态已被更改：{{name}}，{{state}}。您的内容没有丢失。',
    headChanged: '掩膜已被更改。请查看后继续，您的内容没有丢失。',
    done: '审核：{{state}}',
    noneWaiting: '没有待审核的病例',
  },
  opinion: {
    kept: '已保留为意见',
  },
  list: {
    search: '搜索名称、意见、审核者',
    searchKey: '按 / 键搜索',
    clear: '清除搜索',
    all: '全部',
    states: '审核状态',
    modality: '模态',
    anyModality: '全部模态',
    doubtful: '仅看存疑',
    doubtfulHint: '仅显示引擎不确定的病例',
    shown: '{{shown}} / {{count}} 例',
    none: '没有符合条件的病例',
    reset: '显示全部病例',
    nextToReview: '下一例待审核',
    sortName: '病例',
    sortReview: '审核',
    sortState: '状态',
    sortDoubt: '存疑度',
    sortAge: '更改时间',
    sortBy: '按{{name}}排序',
    noDoubt: '未评估',
    keys: 'J、K 或 ↑ ↓：选择 · Enter：打开 · /：搜索',
    cases: '病例列表',
    rising: '升序',
    falling: '降序',
    count_one: '{{count}} 例',
    count_other: '{{count}} 例',
  },
};
