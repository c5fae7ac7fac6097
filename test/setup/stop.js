export default async function stop() {
  const { stopEnvironment } = await import('./environment.ts');
  await stopEnvironment();
}
