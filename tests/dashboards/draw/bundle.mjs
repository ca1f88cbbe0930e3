// Bundles the page with Grafana's components into one script: node bundle.mjs OUT.js
import { build } from 'esbuild';

// Editors and maps that no dashboard here draws, and which are most of the weight.
const unused = /^(monaco-editor|@monaco-editor\/.*|react-monaco-editor|ol|ol\/.*|@grafana\/faro-.*)$/;
const leaveOut = {
  name: 'leave-out',
  setup(bundle) {
    bundle.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'unused' }));
    bundle.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({
      contents: 'module.exports = new Proxy(function () {}, { get: (_, key) => (key === "__esModule" ? false : module.exports) });',
    }));
  },
};

await build({
  entryPoints: ['page/main.jsx'],
  outfile: process.argv[2],
  bundle: true,
  format: 'iife',
  target: 'chrome120',
  jsx: 'automatic',
  logLevel: 'error',
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}', global: 'window' },
  loader: { '.svg': 'dataurl', '.png': 'dataurl', '.woff2': 'dataurl' },
  plugins: [leaveOut],
});
