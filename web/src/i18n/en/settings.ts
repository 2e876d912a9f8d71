// English words: settings, theme.
export const settings = {
  settings: {
    you: 'You',
    looks: 'Looks',
    theme: 'Theme',
    slices: 'Slices and prompts',
    conventionHint: 'Radiological: the patient’s right is on the left of the screen',
    layout: 'Layout',
    layoutHint: 'The one used last; a case opens with it',
    opening: 'How a case opens',
    modality: 'Modality',
    preset: 'Window',
    fitting: 'What suits the image',
    serversChoice: 'The server’s choice',
    asLast: 'As last',
    help: 'Help',
    tourAgain: 'Tour again',
    reset: 'Reset settings',
    isReset: 'The settings are as they were at first.',
    kept: 'Settings are kept in this browser.',
  },
  theme: {
    dark: 'Dark',
    light: 'Light',
    system: 'System',
  },
} as const;
