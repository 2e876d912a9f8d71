// Korean words: reason. What the server refuses for, by the names that openapi.json lists.
import type { reason as english } from '../en/reason';
import type { Words } from '../words';

export const reason: Words<typeof english> = {
  reason: {
    not_a_volume: 'NIfTI나 NRRD 볼륨이 아닙니다: {{found}}',
    header_field: '파일 헤더의 {{field}} 항목을 사용할 수 없습니다: {{found}}',
    image_too_large: '복셀이 {{needed}}바이트를 차지합니다. 이 서버의 한도는 {{limit}}바이트입니다(MAX_IMAGE).',
    cut_short: '파일이 중간에서 잘렸습니다. 다시 저장하거나 내려받으세요.',
    trailing_bytes: '마지막 복셀 뒤에 바이트가 더 있습니다. 파일이 손상되었거나 헤더가 틀렸습니다. 다시 저장하세요.',
    damaged_file: '압축 파일이 손상되었습니다. 다시 저장하거나 내려받으세요.',
    no_memory: '서버에 복셀을 위한 메모리 {{needed}}바이트가 없습니다.',
    broken_off: '업로드가 끊겼습니다. 다시 시도하세요.',
    too_large: '이 서버의 한도를 넘습니다. 최대 {{limit}}바이트입니다.',
    no_mask: '아직 마스크가 없습니다. 먼저 슬라이스를 분할하세요.',
    all_outside: '모든 표시가 대상 바깥에 있습니다. 상자나 대상 안의 점 또는 획을 추가하세요.',
    engine_not_ready: '엔진 {{engine}}이(가) 준비되지 않았습니다. 서버에 가중치가 없습니다. 다른 엔진을 고르거나 “voxloop models download”로 받으세요.',
    no_engine: '준비된 엔진이 없습니다. 진단에서 이유를 볼 수 있습니다.',
    empty_object: '대상 {{label}}에 복셀이 없습니다.',
    propagating: '마스크를 전파하는 중입니다. 기다리거나 먼저 중지하세요.',
    segmenting: '슬라이스를 분할하는 중입니다. 기다리거나 먼저 중지하세요.',
    task_runs: '작업이 아직 마스크를 바꾸는 중입니다. 기다리거나 먼저 중지하세요.',
    marked_absent: '슬라이스 {{slice}}에 대상이 없다고 표시되어 있습니다. 먼저 취소하세요.',
    nothing_between: '사이를 채울 것이 없습니다. 먼저 대상의 슬라이스 두 개를 확정하세요.',
    no_confirmed_mask: '대상이 보이는 확정 슬라이스가 없습니다. 먼저 마스크가 있는 슬라이스를 확정하세요.',
    task_state: '그사이 작업 상태가 바뀌었습니다. 목록을 다시 보세요.',
    not_head: '그사이 다른 사람이 마스크를 바꾸었습니다.',
    label_locked: '대상 {{label}}({{name}})이(가) 잠겨 있습니다. 먼저 잠금을 푸세요.',
    job_accepted: '승인된 케이스입니다. 바꾸려면 검토를 다시 여세요.',
    labels_changed: '그사이 다른 사람이 대상을 바꾸었습니다.',
    review_changed: '그사이 검토가 진행되었습니다: {{state}}.',
    name_taken: '{{name}}(이)라는 라벨 세트가 이미 있습니다. 다른 이름을 고르세요.',
    disk_full: '서버의 디스크가 가득 찼습니다. 공간을 비운 뒤 다시 시도하세요.',
    store_damaged: '저장된 데이터가 손상되었거나 없습니다. 진단에서 해결 방법을 볼 수 있습니다.',
    internal: '서버에서 문제가 생겼습니다. 서버 로그에 이유가 있습니다.',
  },
};
