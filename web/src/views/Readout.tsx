// What lies under the pointer, or under the crosshair: stored voxel, millimetres, intensity, object.
import { useTranslation } from 'react-i18next';
import { storedFromRas } from '../core/axes';
import { formatIntensity, formatMm } from '../core/format';
import { applyAffine, storedOffset } from '../core/grid';
import { labelAt } from '../core/labelmap';
import { intensityAt } from '../core/volume_file';
import { useStore } from '../state/store';
import { useLabelName } from './use_label_name';

export function Readout(): React.JSX.Element | null {
  const { t } = useTranslation();
  const labelName = useLabelName();
  const open = useStore((state) => state.open);
  const hover = useStore((state) => state.hover);
  if (open === null) return null;
  const { grid, volume } = open;
  const stored = storedFromRas(grid.axes, grid.shape, hover ?? open.cursor);
  const mm = applyAffine(grid.rasMmFromStored, stored);
  const intensity = volume === null ? '–' : formatIntensity(intensityAt(volume, storedOffset(grid.shape, stored)));
  const value = labelAt(open.shown, stored);
  const label = open.job.labels.find((it) => it.value === value);
  return (
    <dl className="readout" data-testid="readout">
      <div>
        <dt>{t('readout.voxel')}</dt>
        <dd data-testid="readout-voxel">{stored.join(', ')}</dd>
      </div>
      <div>
        <dt>{t('readout.mm')}</dt>
        <dd data-testid="readout-mm">{mm.map(formatMm).join(', ')}</dd>
      </div>
      <div>
        <dt>{t('readout.intensity')}</dt>
        <dd data-testid="readout-intensity">{intensity}</dd>
      </div>
      <div>
        <dt>{t('readout.label')}</dt>
        <dd data-testid="readout-label">{value === 0 ? t('readout.none') : (label === undefined ? String(value) : labelName(label))}</dd>
      </div>
    </dl>
  );
}
