// Starts the page: words first, then the views.
import '@mantine/core/styles.css';
import './styles/index.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startTranslations } from './i18n';
import { readListView } from './state/list';
import { readPerson } from './state/person';
import { App } from './views/App';
import { theme } from './views/theme';
import { useScheme } from './views/use_scheme';

function Themed(): React.JSX.Element {
  const scheme = useScheme();
  // Variables and classes come from the stylesheet, so that the page works without inline styles.
  return (
    <MantineProvider theme={theme} forceColorScheme={scheme} withCssVariables={false} withGlobalClasses={false}>
      <App />
    </MantineProvider>
  );
}

readPerson();
readListView();

const root = document.getElementById('root');
if (root !== null) {
  await startTranslations();
  createRoot(root).render(
    <StrictMode>
      <Themed />
    </StrictMode>,
  );
}
