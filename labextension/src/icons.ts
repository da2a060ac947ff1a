import { LabIcon } from '@jupyterlab/ui-components';

import svgstr from '../style/telerun.svg';

export const telerunIcon = new LabIcon({ name: 'telerun:logo', svgstr });
