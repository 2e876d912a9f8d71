// Chinese words: settings, theme.
import type { settings as english } from '../en/settings';
import type { Words } from '../words';

export const settings: Words<typeof english> = {
  settings: {
    you: '您',
    looks: '外观',
    theme: '主题',
    slices: '切片与提示',
    conventionHint: '放射学惯例：患者右侧显示在屏幕左侧',
    layout: '布局',
    layoutHint: '病例以上次使用的布局打开',
    opening: '病例打开方式',
    modality: '模态',
    preset: '窗口',
    fitting: '适合图像',
    serversChoice: '由服务器选择',
    asLast: '同上次',
    help: '帮助',
    tourAgain: '重新导览',
    reset: '重置设置',
    isReset: '设置已恢复为初始状态。',
    kept: '设置保存在此浏览器中。',
  },
  theme: {
    dark: '深色',
    light: '浅色',
    system: '跟随系统',
  },
};
