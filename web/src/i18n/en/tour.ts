// English words: tour, tourStep, tourText.
export const tour = {
  tour: {
    title: 'Tour',
    step: 'Step {{n}} of {{total}}',
    leave: 'Leave the tour',
    close: 'Close',
    end: 'That was all',
    endText: 'Press ? for all keys. The tour can be taken again from the settings.',
    again: 'Open the sample to take the tour.',
  },
  tourStep: {
    box: 'Mark the lesion',
    mask: 'Get a mask',
    propagate: 'Carry it through the volume',
    doubtful: 'Look where the engine is unsure',
    accept: 'Accept it or take it away',
  },
  tourText: {
    box: 'Go to slice 40 (wheel or ↑), take the box (B) and drag it around the lesion in the liver.',
    mask: 'Segment the slice (Enter). While “The mask follows the prompts” is on, that happens by itself.',
    propagate: 'Propagate (Shift + Enter): the object is found on the slices around.',
    doubtful: 'D leads to the next doubtful slice. Correct it there, or confirm it with C.',
    accept: 'Accept the case (Ctrl + Enter), or take it away: the arrow in the header has all files.',
  },
} as const;
