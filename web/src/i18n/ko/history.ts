// Korean words: history, standing, action.
import type { history as english } from '../en/history';
import type { Words } from '../words';

export const history: Words<typeof english> = {
  history: {
    title: '기록',
    count_one: '{{count}}단계',
    count_other: '{{count}}단계',
    undo: '실행 취소 (Ctrl + Z)',
    redo: '다시 실행 (Ctrl + Shift + Z)',
    start: '마스크 없는 영상',
    nothing: '변경 없음',
    slice: '{{plane}} {{index}}번',
    slices: '{{plane}} {{first}}–{{last}}번',
    unsaved: '저장을 기다리는 편집이 있습니다. 연결이 돌아오면 다시 시도하십시오.',
    moved: '그동안 다른 사람이 마스크를 바꾸었습니다. 지금 그 상태를 보여 주니 다시 시도하십시오.',
    failed: '그 단계를 표시할 수 없습니다',
  },
  standing: {
    head: '지금 표시 중인 상태',
    past: '이 상태로 돌아가기',
    ahead: '취소된 단계, 이 상태로 나아가기',
    branch: '다른 갈래, 이 상태로 가기',
  },
  action: {
    segment_slice: '슬라이스 분할',
    propagate: '전파',
    interpolate: '보간',
    paint: '칠하기',
    erase: '지우기',
    fill: '채우기',
    threshold_brush: '임계값 브러시',
    scissors: '가위',
    copy_slice: '슬라이스 복사',
    confirm: '확인',
    smooth: '매끄럽게',
    grow: '확장',
    shrink: '축소',
    keep_largest: '가장 큰 부분만 남김',
    remove_islands: '작은 조각 제거',
    fill_holes: '구멍 채우기',
    merge: '병합',
    edit: '편집',
  },
};
