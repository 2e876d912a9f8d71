// Chinese words: tour, tourStep, tourText.
import type { tour as english } from '../en/tour';
import type { Words } from '../words';

export const tour: Words<typeof english> = {
  tour: {
    title: '导览',
    step: '第 {{n}} 步，共 {{total}} 步',
    leave: '退出导览',
    close: '关闭',
    end: '导览完成',
    endText: '按 ? 查看所有快捷键。可在设置中重新开始导览。',
    again: '打开示例即可开始导览。',
  },
  tourStep: {
    box: '标记病灶',
    mask: '获得掩膜',
    propagate: '传播到整个体数据',
    doubtful: '查看引擎不确定之处',
    accept: '接受或下载',
  },
  tourText: {
    box: '转到切片 40（滚轮或 ↑），选择框（B），围绕肝脏病灶拖动。',
    mask: '分割此切片（Enter）。开启“掩膜随提示更新”时会自动进行。',
    propagate: '传播（Shift + Enter）：在周围切片中找到对象。',
    doubtful: '按 D 转到下一个存疑切片，在那里修正，或按 C 确认。',
    accept: '接受病例（Ctrl + Enter），或将其取走：页眉中的箭头包含所有文件。',
  },
};
