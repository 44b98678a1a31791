# style.gp - one look for all plots. It stands at the top of every script, so
# that each can be redrawn alone.
#
# Colours are those of Okabe and Ito, which colour-blind people tell apart;
# lines that are compared also differ in their dashes.
treated = '#0072B2'; untreated = '#D55E00'; shadow = '#9A5FA8'; quiet = '#009E73'; calm = '#777777'
fault = '#E69F00'; action = '#007A5A'; good = '#009E73'; warn = '#E69F00'; bad = '#D55E00'
ink = '#333333'; faint = '#DDDDDD'
set encoding utf8
set decimalsign '.'
set minussign
set border 3 lc rgb ink lw 1
set tics out nomirror textcolor rgb ink
set tics scale 0.6
set xtics offset 0,0.3
set grid y lc rgb faint lw 1 lt 1
set key top left outside horizontal maxrows 1 Left reverse samplen 2 spacing 1.1 textcolor rgb ink noenhanced
set xlabel textcolor rgb ink offset 0,0.5
set ylabel textcolor rgb ink
set style fill solid 1 noborder
set boxwidth 0.7
set datafile missing '?'
