// Korean words: person, reviewState, review, opinion, list.
import type { review as english } from '../en/review';
import type { Words } from '../words';

export const review: Words<typeof english> = {
  person: {
    none: '이름 입력',
    signedAs: '{{name}} 이름으로 기록됩니다',
    title: '이름',
    text: '편집, 검토, 소견 옆에 기록됩니다. 본인 확인은 하지 않습니다.',
    save: '저장',
    unnamed: '이름 없음',
  },
  reviewState: {
    draft: '초안',
    in_review: '검토 중',
    accepted: '승인됨',
    rejected: '반려됨',
  },
  review: {
    refused: '{{name}}님이 승인했습니다. 수정하려면 검토를 다시 여세요',
    changed: '그 사이 검토 상태가 바뀌었습니다: {{name}}님, {{state}}. 작성한 내용은 그대로 있습니다.',
    headChanged: '그 사이 마스크가 바뀌었습니다. 확인한 뒤 계속하세요. 작성한 내용은 그대로 있습니다.',
    done: '검토: {{state}}',
    noneWaiting: '검토를 기다리는 사례가 없습니다',
  },
  opinion: {
    kept: '소견으로 남겼습니다',
  },
  list: {
    search: '이름, 의견, 검토자 검색',
    searchKey: '/ 키로 검색',
    clear: '검색어 지우기',
    all: '전체',
    states: '검토 상태',
    modality: '모달리티',
    anyModality: '모든 모달리티',
    doubtful: '확인 필요만',
    doubtfulHint: '엔진이 확신하지 못하는 사례만 표시',
    shown: '{{count}}건 중 {{shown}}건',
    none: '일치하는 사례가 없습니다',
    reset: '모든 사례 보기',
    nextToReview: '다음 검토 사례',
    sortName: '사례',
    sortReview: '검토',
    sortState: '상태',
    sortDoubt: '불확실도',
    sortAge: '변경',
    sortBy: '{{name}} 기준 정렬',
    noDoubt: '평가 없음',
    keys: 'J, K 또는 ↑ ↓: 선택 · Enter: 열기 · /: 검색',
    cases: '사례 목록',
    rising: '오름차순',
    falling: '내림차순',
    count_one: '사례 {{count}}건',
    count_other: '사례 {{count}}건',
  },
};
