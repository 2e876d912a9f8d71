// A number that is taken over while it is typed, as long as it will do. What will not do is marked; when the field is left
// the nearest that will do takes its place, or the number before, and words say why.
import { useState } from 'react';
import { NumberInput, type NumberInputProps } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { isWithin, nearest, type Limits } from '../core/limits';
import { formatIntensity } from '../core/format';
import { notifyPlain } from '../state/notices';

interface CheckedNumberProps extends Omit<NumberInputProps, 'value' | 'onChange' | 'min' | 'max' | 'error' | 'onBlur' | 'onKeyDown' | 'clampBehavior' | 'allowDecimal' | 'allowNegative'> {
  readonly value: number;
  readonly limits: Limits;
  /** Whether a number outside the limits becomes the nearest inside; else the one before stays. */
  readonly isMended?: boolean;
  readonly onChange: (value: number) => void;
}

export function CheckedNumber({ value, limits, isMended = true, onChange, ...rest }: CheckedNumberProps): React.JSX.Element {
  const { t } = useTranslation();
  /** What stands in the field while a person types, and the value before; null while it is the value. */
  const [typing, setTyping] = useState<{ readonly typed: string | number; readonly before: number } | null>(null);
  const isWrong = typing !== null && !isWithin(limits, typing.typed);
  const leave = (): void => {
    if (isWrong) {
      const taken = isMended && typeof typing.typed === 'number' ? nearest(limits, typing.typed) : typing.before;
      if (taken !== value) onChange(taken);
      const words = { least: formatIntensity(limits.least), most: formatIntensity(limits.most), now: formatIntensity(taken) };
      notifyPlain(t(limits.isWhole === true ? 'number.whole' : 'number.any', words));
    }
    setTyping(null);
  };
  return (
    <NumberInput
      {...rest}
      value={typing?.typed ?? value}
      min={limits.least}
      max={limits.most}
      clampBehavior="none"
      error={isWrong}
      onChange={(next) => {
        setTyping({ typed: next, before: typing?.before ?? value });
        if (isWithin(limits, next) && next !== value) onChange(next);
      }}
      onBlur={leave}
      onKeyDown={(event) => {
        if (event.key === 'Enter' || event.key === 'Escape') leave();
      }}
    />
  );
}
