/** Bottleneck's build without Redis has no types of its own; it is the same class. */
declare module 'bottleneck/light.js' {
  import Bottleneck from 'bottleneck'

  export default Bottleneck
}
