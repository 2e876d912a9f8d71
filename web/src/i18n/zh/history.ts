// Chinese words: history, standing, action.
import type { history as english } from '../en/history';
import type { Words } from '../words';

export const history: Words<typeof english> = {
  history: {
    title: '历史',
    count_one: '{{count}} 步',
    count_other: '{{count}} 步',
    undo: '撤销 (Ctrl + Z)',
    redo: '重做 (Ctrl + Shift + Z)',
    start: '没有掩膜的图像',
    nothing: '没有变化',
    slice: '{{plane}} 第 {{index}} 层',
    slices: '{{plane}} 第 {{first}}–{{last}} 层',
    unsaved: '仍有编辑等待保存。连接恢复后请重试。',
    moved: '期间有人更改了掩膜。现在显示的是新状态，请重试。',
    failed: '无法显示该步骤',
  },
  standing: {
    head: '当前显示的状态',
    past: '回到此状态',
    ahead: '已撤销；前进到此状态',
    branch: '在另一分支上；转到此状态',
  },
  action: {
    segment_slice: '分割切片',
    propagate: '传播',
    interpolate: '插值',
    paint: '绘制',
    erase: '擦除',
    fill: '填充',
    threshold_brush: '阈值画笔',
    scissors: '剪刀',
    copy_slice: '复制切片',
    confirm: '确认',
    smooth: '平滑',
    grow: '扩大',
    shrink: '缩小',
    keep_largest: '保留最大部分',
    remove_islands: '去除小块',
    fill_holes: '填充孔洞',
    merge: '合并',
    edit: '编辑',
  },
};
