import { chosenSeeds } from './seeds.js';
import { simulate } from './suite.js';

simulate(chosenSeeds('even'));
